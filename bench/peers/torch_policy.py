"""PyTorch's side of `aisle bench train` and `aisle bench sample`: the same model folder, the same token ids, on the CPU.

    python bench/peers/torch_policy.py MODEL_FOLDER DATA_JSON {train,sample} [--threads 2] [--repeat 7]

Prints one JSON object. Updates are eager PyTorch with scaled-dot-product attention and AdamW (fused), logits computed only
where they are scored. `separate` treats every completion as a row of its own, as TRL does; `packed` shares the prompt under a
4-D mask, as we do. Sampling is Hugging Face's `generate` and, beside it, a bare loop around the same model and cache.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
import transformers
from transformers import DynamicCache, Qwen2ForCausalLM


def median_ms(run, repeat):
    run()
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def score(model, hidden, targets):
    """Log-probabilities of targets from the hidden states that predict them."""
    logits = model.lm_head(hidden).float()
    return torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]


def train(model, data, repeat):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)

    def step(logp):
        loss = -(logp * 0.01).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    plain = torch.tensor(data["plain"])
    tail = data["plainScored"]

    def plain_step():
        hidden = model.model(plain, use_cache=False).last_hidden_state
        step(score(model, hidden[:, -tail - 1 : -1], plain[:, -tail:]))

    prompt, completions = torch.tensor(data["prompt"]), torch.tensor(data["completions"])
    n, length = completions.shape
    p = len(prompt)
    rows = torch.cat([prompt.expand(n, p), completions], 1)

    def separate_step():
        hidden = model.model(rows, use_cache=False).last_hidden_state
        step(score(model, hidden[:, p - 1 : -1], completions))

    inner = completions[:, :-1].reshape(-1)
    ids = torch.cat([prompt, inner])[None]
    positions = torch.cat([torch.arange(p), torch.arange(p, p + length - 1).repeat(n)])[None]
    segments = torch.cat([torch.zeros(p, dtype=torch.long), torch.arange(1, n + 1).repeat_interleave(length - 1)])
    order = torch.arange(ids.shape[1])
    seen = (order[None] <= order[:, None]) & ((segments[None] == 0) | (segments[None] == segments[:, None]))
    mask = torch.where(seen, 0.0, float("-inf"))[None, None]
    inside = p + torch.arange(n * (length - 1)).reshape(n, length - 1)
    sources = torch.cat([torch.full((n, 1), p - 1), inside], 1)

    def packed_step():
        hidden = model.model(ids, attention_mask=mask, position_ids=positions, use_cache=False).last_hidden_state
        step(score(model, hidden[0, sources], completions))

    # Same gradient before anything is timed, or the comparison would compare nothing.
    def gradient(run):
        model.load_state_dict(state)
        captured = {}
        take, optimizer.step = optimizer.step, lambda: captured.update(
            {k: v.grad.clone() for k, v in model.named_parameters()}
        )
        run()
        optimizer.step = take
        return captured

    state = {k: v.clone() for k, v in model.state_dict().items()}
    a, b = gradient(separate_step), gradient(packed_step)
    worst = max((a[k] - b[k]).abs().max().item() / (a[k].abs().max().item() + 1e-12) for k in a)
    assert worst < 1e-2, worst

    plain_ms = median_ms(plain_step, repeat)
    separate = median_ms(separate_step, repeat)
    packed = median_ms(packed_step, repeat)
    return {
        "tokens_per_s": plain.numel() / plain_ms * 1000,
        "group_update_ms": separate,
        "group_update_packed_ms": packed,
    }


@torch.inference_mode()
def sample(model, data, repeat):
    model.eval()
    prompt = torch.tensor(data["prompt"])
    n, length = len(data["completions"]), len(data["completions"][0])
    batch = prompt.expand(n, -1).contiguous()

    def generate():
        out = model.generate(
            batch, attention_mask=torch.ones_like(batch), do_sample=True, top_k=0, temperature=1.0,
            min_new_tokens=length, max_new_tokens=length, pad_token_id=0,
        )
        assert out.shape == (n, len(prompt) + length)

    def loop():
        cache = DynamicCache(config=model.config)
        ids, entropies = batch, []
        for _ in range(length):
            logits = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
            logp = torch.log_softmax(logits.float(), -1)
            entropies.append(-(logp.exp() * logp).sum(-1))
            ids = torch.multinomial(logp.exp(), 1)

    return {"group_sample_ms": median_ms(generate, repeat), "group_sample_loop_ms": median_ms(loop, repeat)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("what", choices=["train", "sample"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    model = Qwen2ForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation="sdpa")
    data = json.load(open(args.data))
    result = {"train": train, "sample": sample}[args.what](model, data, args.repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    name = f"torch {torch.__version__}, transformers {transformers.__version__}, {args.threads} threads"
    print(json.dumps({"name": name, **result, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
