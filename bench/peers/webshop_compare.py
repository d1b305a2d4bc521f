"""WebShop's own environment beside ours: the same files, the same seed, the same actions; prints every difference.

    git clone https://github.com/princeton-nlp/WebShop            # commit 64fa2a5
    pip install flask beautifulsoup4 numpy rich tqdm thefuzz==0.19.0
    npx tsx bench/peers/webshop_compare.ts FOLDER human           # then the same with: synthetic
    python bench/peers/webshop_compare.py FOLDER WEBSHOP

gym, torch, pyserini and spaCy are stood in for: searches and nouns are answered from our side's file, so that what is compared
is everything else. Exits 1 if anything differs.
"""

import importlib.util
import json
import random
import sys
import types
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
folder, webshop = Path(sys.argv[1]), Path(sys.argv[2])
expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


class Searcher:
    def __init__(self, path):
        pass

    def search(self, query, k=10):
        return [types.SimpleNamespace(docid=asin) for asin in expected["queries"][query]]

    def doc(self, asin):
        return types.SimpleNamespace(raw=lambda: json.dumps({"id": asin}))


def tag(title):
    return [types.SimpleNamespace(text=noun, pos_="NOUN") for noun in expected["nouns"][title]]


stand_in("gym", Env=object)
stand_in("torch")
stand_in("cleantext")
stand_in("rank_bm25", BM25Okapi=None)
stand_in("spacy", load=lambda name: tag)
stand_in("pyserini")
stand_in("pyserini.search")
stand_in("pyserini.search.lucene", LuceneSearcher=Searcher)
stand_in("web_agent_site.envs")  # its __init__ wants a browser
sys.path.insert(0, str(webshop))

import web_agent_site.utils as utils  # noqa: E402

utils.DEFAULT_ATTR_PATH = str(folder / "attributes.json")
utils.HUMAN_ATTR_PATH = str(folder / "human.json")

import web_agent_site.engine.engine as engine  # noqa: E402
import web_agent_site.engine.goal as goal_module  # noqa: E402

engine.print = goal_module.print = lambda *args, **kwargs: None
engine.tqdm = lambda items, **kwargs: items
spec = importlib.util.spec_from_file_location("text_env", webshop / "web_agent_site/envs/web_agent_text_env.py")
text_env = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text_env)

compared = differences = 0


def same(what, theirs, ours):
    global compared, differences
    compared += 1
    if theirs != ours:
        differences += 1
        if differences <= 10:
            print(f"DIFFERENT {what}\n  theirs {theirs!r}\n  ours   {ours!r}")


def load(**settings):
    random.seed(expected["seed"])
    base = "http://127.0.0.1:3000"
    return text_env.SimServer(base, str(folder / "items.json"), human_goals=expected["human"], **settings)


server = load()
same("prices", server.product_prices, expected["prices"])
same("number of goals", len(server.goals), len(expected["goals"]))
for i, (theirs, ours) in enumerate(zip(server.goals, expected["goals"])):
    for field, value in ours.items():
        same(f"goal {i} {field}", theirs[field], value)
    same(f"goal {i} order of options", list(theirs["goal_options"]), list(ours["goal_options"]))
same("draws", [utils.random_idx(server.cum_weights) for _ in range(50)], expected["draws"])
limited = [expected["goals"][i]["instruction_text"] for i in expected["limited"]]
same("limited", [goal["instruction_text"] for goal in load(limit_goals=20).goals], limited)

for e, episode in enumerate(expected["episodes"]):
    for m, mode in enumerate(["text", "text_rich", "url"]):
        server.show_attrs = episode["showAttributes"]
        history = {"num_prev_obs": episode["previousObservations"], "num_prev_actions": episode["previousActions"]}
        shop = text_env.WebAgentTextEnv(observation_mode=mode, server=server, **history)
        server.user_sessions = {}  # sessions outlive a reset: start from nothing
        observation, _ = shop.reset(session=episode["goal"])
        for t, step in enumerate(episode["steps"]):
            where = f"episode {e} step {t} {mode} after {step.get('action')}"
            if t > 0:
                observation, reward, done, _ = shop.step(step["action"])
                session = server.user_sessions[str(episode["goal"])]
                same(f"{where}: reward", reward, step["reward"])
                same(f"{where}: done", done, step["done"])
                same(f"{where}: counts", dict(session["actions"]), step["counts"])
                same(f"{where}: options", session["options"], step["options"])
                if done:
                    parts = session["verbose_info"]
                    ours = {name: value for name, value in step["parts"].items() if name in parts}
                    same(f"{where}: parts", {name: parts[name] for name in ours}, ours)
                    same(f"{where}: option part", "r_option" in parts, step["parts"]["r_option"] is not None)
            same(f"{where}: observation", observation, step["observations"][m])
            actions = shop.get_available_actions()
            same(f"{where}: clickables", actions["clickables"], step["actions"]["click"])
            same(f"{where}: search bar", actions["has_search_bar"], step["actions"]["search"])

print(f"{compared} comparisons, {differences} differences")
sys.exit(1 if differences else 0)
