"""Runs Gymnasium's own checks on the environment class of docs/serve.md, as it stands on the page.

    python test/serve/gymnasium_check.py [COMMAND ...]

from the project's root, with gymnasium installed. COMMAND starts the server; by default it is what the page says.
"""

import re
import sys
import warnings

import gymnasium as gym
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

block = re.search(r"```python\n(.*?)```", open("docs/serve.md", encoding="utf-8").read(), re.DOTALL)
exec(compile(block.group(1), "docs/serve.md", "exec"))
given = {"command": sys.argv[1:]} if len(sys.argv) > 1 else {}


def make(**settings):
    return AisleEnv(**given, **settings)


def buy(env, info):
    """Three steps to a purchase in one environment."""
    env.step(f"search[{info['instruction']}]")
    env.step(f"click[{env.ask(op='info', session=env.session)['actions']['click'][2]}]")
    return env.step("click[buy now]")


# A warning is a failure as well, but for the one that says that the class is not registered under a name.
gym.logger.warn = lambda message, *args: warnings.warn(message % args if args else message)
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    for mode in ("text", "text_rich", "html", "url"):
        env = make(mode=mode)
        check_env(env)
        env.close()
    # With a specification the checker also compares episodes of the same seed.
    gym.register("Aisle-v0", entry_point=make)
    env = gym.make("Aisle-v0", disable_env_checker=True)
    check_env(env.unwrapped)
    env.close()
unexpected = [str(one.message) for one in seen if "not having a spec" not in str(one.message)]
assert not unexpected, unexpected
print("check_env: passed")

env = make()
first, end = env.train
goals = [env.reset(seed=seed)[1]["goal"] for seed in range(200)]
again = [env.reset(seed=seed)[1]["goal"] for seed in range(200)]
assert goals == again and len(set(goals)) > min(100, (end - first) // 2), len(set(goals))
drawn = [env.reset()[1]["goal"] for _ in range(200)]
assert all(first <= goal < end for goal in goals + drawn), (first, end)
assert len(set(drawn)) > min(100, (end - first) // 2)
assert env.reset(seed=1, options={"goal": 0})[1]["goal"] == 0
assert env.ask(op="info")["sessions"] == 1, "sessions are left open"
_, info = env.reset(seed=3)
observation, reward, terminated, truncated, info = buy(env, info)
assert terminated and not truncated and "r_type" in info["parts"] and 0 <= reward <= 1
odd = 'search[café ✂ 日本 \U0001f9f4 "]'
observation, *_ = env.step(odd)
assert observation in env.observation_space
try:
    env.step("x" * 10_001)
    raise AssertionError("a text that is too long was taken")
except ValueError as error:
    assert "10000" in str(error)
env.close()
env.close()
print("reset: train goals by seed")

for kind in (SyncVectorEnv, AsyncVectorEnv):
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        both = kind([make, make], autoreset_mode=mode)
        observations, infos = both.reset(seed=[5, 6])
        alone = make()
        assert observations[0] == alone.reset(seed=5)[0] and observations[1] == alone.reset(seed=6)[0]
        alone.close()
        words = [f"search[{text}]" for text in infos["instruction"]]
        observations, *_, infos = both.step(words)
        clicks = [f"click[{texts[2]}]" for texts in infos["actions"]["click"]]
        both.step(clicks)
        observations, rewards, terminated, truncated, infos = both.step(["click[buy now]", "click[< prev]"])
        assert list(terminated) == [True, False] and list(truncated) == [False, False]
        for _ in range(3):  # goes on by itself in another episode
            observations, *_ = both.step(both.action_space.sample())
            assert observations in both.observation_space
        both.close()
    print(f"{kind.__name__}: passed")
