import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { createMessage, decode, encode, sign } from "../../lib/notebook/wire.js";

function frames(key: string, ...args: Parameters<typeof createMessage>): Buffer[] {
  return encode(key, createMessage(...args)).map((frame) => Buffer.from(frame));
}

describe("wire protocol", () => {
  it("signs header, parent, metadata and content with HMAC-SHA256", () => {
    const sent = frames("secret", "execute_request", { code: "1" }, "session");
    assert.equal(sent[0]!.toString(), "<IDS|MSG>");
    const hmac = createHmac("sha256", "secret");
    for (const part of sent.slice(2)) hmac.update(part);
    assert.equal(sent[1]!.toString(), hmac.digest("hex"));
    assert.equal(sent.length, 6);
  });

  it("signs nothing without a key", () => {
    assert.equal(sign("", ["a"]), "");
    assert.equal(decode("", frames("", "x", {}, "s")).header.msg_type, "x");
  });

  it("brings any content back", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        const content = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
        assert.deepEqual(decode("k", frames("k", "t", content, "s")).content, content);
      }),
      { numRuns: 50 },
    );
  });

  it("carries identities and the parent's header into an answer", () => {
    const request = { ...createMessage("a_request", {}, "client"), identities: [Buffer.from("me")] };
    const answer = decode("k", frames("k", "a_reply", {}, "kernel", request));
    assert.equal(answer.parent.msg_id, request.header.msg_id);
    assert.equal(Buffer.from(answer.identities[0]!).toString(), "me");
  });

  it("refuses a wrong signature, a changed part, a missing part and a missing delimiter", () => {
    const good = frames("k", "t", { a: 1 }, "s");
    assert.throws(() => decode("other", good), /wrong signature/);
    const changed = [...good.slice(0, 5), Buffer.from('{"a":2}')];
    assert.throws(() => decode("k", changed), /wrong signature/);
    assert.throws(() => decode("k", good.slice(0, 5)), /part missing/);
    assert.throws(() => decode("k", good.slice(1)), /delimiter/);
    const list = ["[]", "{}", "{}", "{}"].map((part) => Buffer.from(part));
    assert.throws(() => decode("k", [good[0]!, Buffer.from(sign("k", list)), ...list]), /not an object/);
  });
});
