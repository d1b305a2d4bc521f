"""PyTorch's side of `bench/gpu.ts`: the same model and adapter, the same rows, on the same card.

    python bench/peers/torch_gpu.py FOLDER [--device cuda]

FOLDER holds `model`, `adapter` (read by transformers and PEFT) and `data.json`. Prints one JSON object as its last line.
`separate` treats every (prompt, answer) pair as a row of its own, as TRL does; `packed` computes what rows share once, under a 4-D mask, as we do.
Updates are eager PyTorch with scaled-dot-product attention and fused AdamW on the adapter; the logits are computed only where they are scored.
float32 throughout, matrix products without TF32 unless it is said. Before anything is timed, log-probabilities, loss and gradient norm are compared
with those that Aisle wrote down.
"""

import argparse
import json
import statistics
import sys
import time
import traceback

import torch
import transformers
from peft import PeftModel
from transformers import Qwen2ForCausalLM

# Rows that go through the model at once, and the objective of the preset: β of the k3 term and what is averaged over.
PRESETS = {"grpo": (9, 0.04, "sequence"), "gigpo": (8, 0.01, "token")}


def say(what):
    print(f"{time.perf_counter() - BEGAN:6.1f} s  torch: {what}", file=sys.stderr, flush=True)


BEGAN = time.perf_counter()


class Peer:
    def __init__(self, folder, device):
        self.device = device
        base = Qwen2ForCausalLM.from_pretrained(f"{folder}/model", dtype=torch.float32, attn_implementation="sdpa")
        self.model = PeftModel.from_pretrained(base.to(device), f"{folder}/adapter", is_trainable=True)
        self.qwen = self.model.base_model.model
        self.trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.start = {name: p.detach().clone() for name, p in self.trained.items()}
        self.reset()

    def reset(self):
        with torch.no_grad():
            for name, p in self.trained.items():
                p.copy_(self.start[name])
                p.grad = None
        self.optimizer = torch.optim.AdamW(self.trained.values(), lr=1e-5, weight_decay=0.01, fused=True)

    def sync(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def ids(self, values):
        return torch.tensor(values, device=self.device)

    def score(self, hidden, targets):
        logits = self.qwen.lm_head(hidden).float()
        return torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]

    def separate(self, rows, size):
        """Batches of (numbers of rows, function that gives their answers' log-probabilities, one tensor each)."""
        for at in range(0, len(rows), size):
            part = list(range(at, min(at + size, len(rows))))
            whole = [rows[r]["prompt"] + rows[r]["response"] for r in part]
            width = max(map(len, whole)) - 1
            # On the right, where no scored token sees it: no mask is needed.
            ids = self.ids([(w[:-1] + [0] * width)[:width] for w in whole])

            def run(part=part, ids=ids):
                hidden = self.qwen.model(ids, use_cache=False).last_hidden_state
                ends = [(len(rows[r]["prompt"]) - 1, len(rows[r]["response"])) for r in part]
                picked = torch.cat([hidden[i, a : a + n] for i, (a, n) in enumerate(ends)])
                targets = self.ids([t for r in part for t in rows[r]["response"]])
                return self.score(picked, targets).split([n for _, n in ends])

            yield part, run

    def packed(self, rows, shared, most):
        """The same, with what some rows share before them all; as many of these as fit go through the model together."""
        groups = []
        for group in shared:
            length = group["tokens"] + sum(len(self.rest(rows[r], group)) - 1 for r in group["rows"])
            if groups and groups[-1][0] + length <= most:
                groups[-1] = (groups[-1][0] + length, groups[-1][1] + [group])
            else:
                groups.append((length, [group]))
        for length, members in groups:
            ids, positions, row_of, segment, sources, targets, sizes, part = [], [], [], [], [], [], [], []
            for g, group in enumerate(members):
                head = rows[group["rows"][0]]["prompt"][: group["tokens"]]
                start = len(ids)
                ids += head
                positions += range(len(head))
                row_of += [g] * len(head)
                segment += [0] * len(head)
                for s, r in enumerate(group["rows"]):
                    rest = self.rest(rows[r], group)
                    n = len(rows[r]["response"])
                    at = len(ids)
                    where = [start + len(head) - 1] + list(range(at, at + len(rest) - 1))
                    ids += rest[:-1]
                    positions += range(len(head), len(head) + len(rest) - 1)
                    row_of += [g] * (len(rest) - 1)
                    segment += [s + 1] * (len(rest) - 1)
                    sources += where[len(rest) - n :]
                    targets += rows[r]["response"]
                    sizes.append(n)
                    part.append(r)
            of, seg = self.ids(row_of), self.ids(segment)
            order = torch.arange(len(ids), device=self.device)
            seen = (order[None] <= order[:, None]) & (of[None] == of[:, None])
            seen &= (seg[None] == 0) | (seg[None] == seg[:, None])
            mask = torch.where(seen, 0.0, float("-inf"))[None, None]
            arguments = dict(input_ids=self.ids(ids)[None], position_ids=self.ids(positions)[None], attention_mask=mask)

            def run(arguments=arguments, sources=self.ids(sources), targets=self.ids(targets), sizes=sizes):
                hidden = self.qwen.model(**arguments, use_cache=False).last_hidden_state
                return self.score(hidden[0, sources], targets).split(sizes)

            yield part, run

    @staticmethod
    def rest(row, group):
        return row["prompt"][group["tokens"] :] + row["response"]

    def reference(self, batches):
        scores = {}
        with torch.no_grad(), self.model.disable_adapter():
            for part, run in batches:
                for r, lp in zip(part, run()):
                    scores[r] = lp
        return scores

    def update(self, batches, rows, reference, preset, step=True):
        """One optimiser step; returns loss, gradient norm and log-probabilities."""
        _, beta, over = PRESETS[preset]
        tokens = sum(len(row["response"]) for row in rows)
        self.optimizer.zero_grad(set_to_none=True)
        loss, kept = 0.0, {}
        for part, run in batches:
            scores = run()
            total = 0.0
            for r, lp in zip(part, scores):
                apart = reference[r] - lp
                terms = -rows[r]["advantage"] * (lp - lp.detach()).exp() + beta * (apart.exp() - apart - 1)
                total = total + (terms.mean() / len(rows) if over == "sequence" else terms.sum() / tokens)
                kept[r] = lp.detach()
            total.backward()
            loss += total.detach()
        norm = torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        if step:
            self.optimizer.step()
        return float(loss), float(norm), kept

    def timed(self, run, repeat):
        times = []
        for _ in range(repeat + 1):
            self.sync()
            start = time.perf_counter()
            run()
            self.sync()
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    def update_times(self, batches, rows, reference, preset, repeat):
        results = {}
        for recompute in (True, False):
            self.model.train()
            if recompute:
                self.qwen.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            else:
                self.qwen.gradient_checkpointing_disable()
            name = "recompute" if recompute else "keep"
            self.reset()
            if self.device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            try:
                results[f"{name}_s"] = self.timed(lambda: self.update(batches, rows, reference, preset), repeat)
            except torch.cuda.OutOfMemoryError:
                results[f"{name}_s"] = "out of memory"
            if self.device == "cuda":
                results[f"{name}_bytes"] = torch.cuda.max_memory_allocated()
                results[f"{name}_reserved_bytes"] = torch.cuda.max_memory_reserved()
        self.qwen.gradient_checkpointing_disable()
        return results

    @torch.inference_mode()
    def generate(self, rows, number):
        self.model.eval()
        longest = max(len(row["prompt"]) for row in rows)
        ids = self.ids([[0] * (longest - len(row["prompt"])) + row["prompt"] for row in rows])
        mask = self.ids([[0] * (longest - len(row["prompt"])) + [1] * len(row["prompt"]) for row in rows])
        self.model.generate(
            input_ids=ids, attention_mask=mask, do_sample=True, top_k=0, temperature=1.0,
            min_new_tokens=number, max_new_tokens=number, pad_token_id=0,
        )


def measure(peer, preset, data, repeat):
    rows, result = data["rows"], {}
    size = PRESETS[preset][0]
    ways = {"separate": list(peer.separate(rows, size)), "packed": list(peer.packed(rows, data["shared"], 2048))}
    torch.set_float32_matmul_precision("highest")
    for way, batches in ways.items():
        peer.reset()
        peer.model.eval()
        reference = peer.reference(batches)
        loss, norm, scores = peer.update(batches, rows, reference, preset, step=False)
        apart = [abs(a - b) for r, row in enumerate(rows) for a, b in zip(scores[r].tolist(), row["logProbs"])]
        result[way] = {
            "loss": loss, "aisle_loss": data["loss"], "grad_norm": norm, "aisle_grad_norm": data["gradNorm"],
            "log_probs_apart_max": max(apart), "log_probs_apart_mean": statistics.mean(apart),
        }
        result[way]["score_s"] = peer.timed(lambda: peer.reference(batches), repeat)
        result[way].update(peer.update_times(batches, rows, reference, preset, repeat))
        say(f"{preset} {way} {json.dumps(result[way])}")
    answer = len(rows[0]["response"])
    # Rows stand roll-out after roll-out; a batch holds one turn of each.
    groups = [rows[t :: data["turns"]] for t in range(data["turns"])]
    result["rollout_s"] = peer.timed(lambda: [peer.generate(group, answer) for group in groups], 1)
    say(f"{preset} roll-outs {result['rollout_s']}")
    if peer.device == "cuda":
        torch.set_float32_matmul_precision("high")
        result["separate_tf32"] = peer.update_times(ways["separate"], rows, reference, preset, 1)
        torch.set_float32_matmul_precision("highest")
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    data = json.load(open(f"{args.folder}/data.json"))
    peer = Peer(args.folder, args.device)
    say("the model is there")
    result = {"torch": torch.__version__, "transformers": transformers.__version__}
    if args.device == "cuda":
        result["card"] = torch.cuda.get_device_name()
        result["weights_bytes"] = torch.cuda.memory_allocated()
    for preset, of in data.items():
        try:
            result[preset] = measure(peer, preset, of, args.repeat if preset == "grpo" else 1)
        except Exception:
            result[preset] = {"failed": traceback.format_exc()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
