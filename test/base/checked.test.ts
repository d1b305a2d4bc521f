import { strict as assert } from "node:assert";
import { z } from "zod";
import { checked, InputError } from "../../lib/base/index.js";

describe("a checked value", () => {
  const schema = z.strictObject({
    rate: z.number(),
    sizes: z.array(z.number()).default([]),
    name: z.string().optional(),
  });

  it("is completed, and holds no −0, which JSON does not keep", () => {
    const value = checked(schema, { rate: -0, sizes: [1, -0] }, "here.json");
    assert.ok(Object.is(value.rate, 0) && Object.is(value.sizes[1], 0));
    assert.deepEqual(checked(schema, JSON.parse(JSON.stringify(value)), "here.json"), value);
    assert.deepEqual(checked(schema, { rate: 1 }, "here.json"), { rate: 1, sizes: [] });
  });

  it("is refused with where it is wrong, and the key that was meant", () => {
    const refusal = (value: unknown): string => {
      try {
        checked(schema, value, "here.json");
      } catch (error) {
        assert.ok(error instanceof InputError);
        return error.message;
      }
      throw new Error("was taken");
    };
    assert.match(refusal({ rate: 1, sizes: [1, "2"] }), /^In here\.json, sizes\.1: /);
    assert.match(refusal({ rate: 1, naem: "x" }), /Unrecognized key: "naem"\. Did you mean "name"\?$/);
    assert.match(refusal(JSON.parse('{"rate": 1, "__proto__": {"name": "x"}}')), /^In here\.json: /);
  });
});
