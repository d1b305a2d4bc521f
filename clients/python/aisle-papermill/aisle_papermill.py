"""Parameters for notebooks in TypeScript.

papermill knows how to write parameters in a few languages. This module adds TypeScript, for the kernel "aisle" and for every
kernel whose language is "typescript". papermill has no entry point for translators, but it imports those for engines when it
starts: the engine here is papermill's own, and importing it registers the translator.
"""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

_DECLARATION = re.compile(
    r"^\s*(?:export\s+)?(?P<keyword>let|const|var)\s+(?P<name>[^\W\d][\w$]*|\$[\w$]*)"
    r"\s*(?::\s*(?P<type>(?:=>|[^=])+?))?\s*=(?![=>])\s*(?P<value>.*?)\s*;?\s*(?://\s*(?P<help>.*))?$"
)


class TypeScriptTranslator(Translator):
    """Writes parameters as TypeScript declares them."""

    #: How the notebook declares its parameters: papermill looks at them just before it writes new ones.
    declared = {}

    @classmethod
    def translate_str(cls, val):
        return json.dumps(val, ensure_ascii=False)

    @classmethod
    def translate_escaped_str(cls, str_val):
        return json.dumps(str(str_val), ensure_ascii=False)

    @classmethod
    def translate_none(cls, val):
        return "null"

    @classmethod
    def translate_float(cls, val):
        if math.isnan(val):
            return "NaN"
        if math.isinf(val):
            return "Infinity" if val > 0 else "-Infinity"
        return repr(val)

    @classmethod
    def translate_dict(cls, val):
        # A computed name, so that "__proto__" is a name like any other.
        pairs = (f"[{cls.translate_str(str(key))}]: {cls.translate(value)}" for key, value in val.items())
        return "{ " + ", ".join(pairs) + " }" if val else "{}"

    @classmethod
    def translate_list(cls, val):
        return "[" + ", ".join(cls.translate(value) for value in val) + "]"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name, str_val):
        keyword, annotation = cls.declared.get(name, ("let", None))
        return f"{keyword} {name}{': ' + annotation if annotation else ''} = {str_val};"

    @classmethod
    def inspect(cls, parameters_cell):
        cls.declared = {}
        found = []
        for line in parameters_cell["source"].splitlines():
            match = _DECLARATION.match(line)
            if not match:
                continue
            annotation = match["type"]
            cls.declared[match["name"]] = (match["keyword"], annotation)
            found.append(Parameter(match["name"], annotation or "None", match["value"], match["help"] or ""))
        return found


class AisleEngine(NBClientEngine):
    """papermill's own engine, under a name of ours."""


papermill_translators.register("aisle", TypeScriptTranslator)
papermill_translators.register("typescript", TypeScriptTranslator)
