"""The kernel under Jupyter's own test of kernels: python jupyter_kernel.py (JUPYTER_PATH must name lib/notebook)."""
import unittest

import jupyter_kernel_test as jkt
from jupyter_kernel_test import validate_message


class AisleKernelTests(jkt.KernelTests):
    kernel_name = "aisle"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("oops")'
    completion_samples = [
        {"text": "Math.flo", "matches": {"floor"}},
        {"text": "process.hrt", "matches": {"hrtime"}},
    ]
    complete_code_samples = ["1", 'console.log("hello")', "function f(x: number) {\n  return x;\n}", "const a = `x\ny`;"]
    incomplete_code_samples = ["function f() {", "[1, 2,", "const a = `x", "/* what", "if (true)", "f("]
    invalid_code_samples = ["const = 3;", "1 +* 2", 'const a = "x', "foo)"]
    code_page_something = 'import { page } from "./lib/notebook/index.js";\npage("much text");'
    code_generate_error = 'throw new Error("no")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "6 * 8", "result": "48"},
        {"code": "1 + 1", "result": "2"},
    ]
    code_display_data = [
        {"code": 'import * as tslab from "tslab";\ntslab.display.html("<b>x</b>")', "mime": "text/html"},
        {"code": 'import { display } from "./lib/notebook/index.js";\ndisplay({ "text/markdown": "*x*" })', "mime": "text/markdown"},
    ]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.floor"
    code_clear_output = 'import { clearOutput } from "./lib/notebook/index.js";\nclearOutput();'

    def read(self, code, answer):
        """Runs code that asks, answers, and gives back what it printed."""
        self.flush_channels()
        msg_id = self.kc.execute(code=code, allow_stdin=True)
        asked = self.kc.get_stdin_msg(timeout=jkt.TIMEOUT)
        # Not validate_message: it wants a number for "password", against the protocol, which says bool.
        self.assertEqual(asked["msg_type"], "input_request")
        self.assertEqual(asked["parent_header"]["msg_id"], msg_id)
        self.kc.input(answer)
        reply = self.get_non_kernel_info_reply(timeout=jkt.TIMEOUT)
        self.assertEqual(reply["content"]["status"], "ok", reply["content"])
        printed = ""
        while True:
            message = self.kc.get_iopub_msg(timeout=jkt.TIMEOUT)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return asked["content"], printed

    def test_asking(self):
        asked, printed = self.read('const name = await prompt("Who? ");\nconsole.log(`Hello ${name}`)', "Ann")
        self.assertEqual(asked, {"prompt": "Who? ", "password": False})
        self.assertEqual(printed, "Hello Ann\n")

    def test_reading_standard_input(self):
        _, printed = self.read(
            'import { createInterface } from "node:readline/promises";\n'
            "const lines = createInterface({ input: process.stdin, output: process.stdout });\n"
            'console.log((await lines.question("How many? ")).length);\nlines.close();',
            "seven",
        )
        self.assertEqual(printed, "How many? 5\n")

    def test_asking_without_anybody(self):
        for code in (
            'await prompt("Who? ")',
            "process.stdin.resume();\nawait new Promise(() => {});",
            'import { once } from "node:events";\nawait once(process.stdin, "data");',
        ):
            self.flush_channels()
            self.kc.execute(code=code, allow_stdin=False)
            reply = self.get_non_kernel_info_reply(timeout=10)
            self.assertEqual(reply["content"]["status"], "error")
            self.assertIn("Nobody can be asked", reply["content"]["evalue"])
        self.flush_channels()
        self.kc.execute(code='import { readFileSync } from "node:fs";\nreadFileSync(0, "utf8")', allow_stdin=True)
        self.assertEqual(self.get_non_kernel_info_reply(timeout=10)["content"]["status"], "ok")

    def test_inspection_inside_a_call(self):
        self.flush_channels()
        code = "/** Adds. */\nfunction add(first: number, second: number) { return first + second; }\nadd(1, "
        msg_id = self.kc.inspect(code, cursor_pos=len(code))
        reply = self.get_non_kernel_info_reply(timeout=jkt.TIMEOUT)
        validate_message(reply, "inspect_reply", msg_id)
        self.assertTrue(reply["content"]["found"])
        self.assertIn("add(first: number, second: number): number", reply["content"]["data"]["text/plain"])
        self.assertIn("Adds.", reply["content"]["data"]["text/plain"])

    def test_completion_counts_characters(self):
        code = 'const smile = "😀😀"; smile.toUp'
        self.kc.complete(code, len(code))
        content = self.get_non_kernel_info_reply()["content"]
        self.assertEqual(set(content["matches"]), {"toUpperCase"})
        self.assertEqual((content["cursor_start"], content["cursor_end"]), (len(code) - 4, len(code)))


if __name__ == "__main__":
    unittest.main()
