import { FairleadError } from "../../model/errors.ts";
import type { KeyWriter } from "../../ports.ts";
import type { KeyLayout } from "../store.ts";
import type { Client } from "./api/client.ts";
import { isAskable } from "./api/read-requests.ts";
import { isPermissionDenied, runTransaction, setKey, type TxnOutcome } from "./api/write-requests.ts";

/** Configuration keys in Consul's key-value store, the same beside the catalogue and beside entries in the store. */
export function createKeyWriter(client: Client, layout: KeyLayout): KeyWriter {
  return {
    async putKey(key, value, signal) {
      signal.throwIfAborted();
      const storeKey = checkedKey(layout, key);
      if (key.endsWith("/") && value === "") {
        throw new FairleadError("USAGE", `an empty key with a slash at its end is a folder in Consul: ${JSON.stringify(key)}`);
      }
      const what = `write the key ${JSON.stringify(storeKey)} in Consul`;
      // Only in a transaction may a key be any text; only outside of one may a value have the full size.
      const outcome = isAskable(storeKey)
        ? await setKey(client, storeKey, value, signal)
        : await runTransaction(client, what, [{ Verb: "set", Key: storeKey, Value: base64(value) }], signal);
      if (outcome === "too-large") {
        throw new FairleadError(
          "USAGE",
          `cannot ${what}: its value of ${Buffer.byteLength(value)} bytes is too large for Consul`,
        );
      }
      requireRight(what, outcome);
    },
    async removeKey(key, signal) {
      signal.throwIfAborted();
      const Key = checkedKey(layout, key);
      const what = `remove the key ${JSON.stringify(Key)} from Consul`;
      const outcome = await runTransaction(
        client,
        what,
        [
          { Verb: "get", Key },
          { Verb: "delete", Key },
        ],
        signal,
      );
      requireRight(what, outcome);
      return outcome === "done";
    },
  };
}

function requireRight(what: string, outcome: TxnOutcome): void {
  if (typeof outcome === "object" && outcome.some(isPermissionDenied)) {
    throw new FairleadError("REGISTRY_DENIED", `cannot ${what}: permission denied`, {
      hint: "give the token's policies key_prefix write for configuration keys",
    });
  }
}

/** @throws FairleadError `USAGE` for what Consul, or fairlead in Consul, cannot hold */
function checkedKey(layout: KeyLayout, key: string): string {
  const storeKey = layout.configKey(key);
  const problem =
    (key === "" && "an empty key cannot be stored") ||
    (key.startsWith("/") && "keys in Consul begin without a slash") ||
    (/\p{Surrogate}/u.test(key) && "a key that is no Unicode text cannot be stored") ||
    (layout.isOwn(storeKey) && "the key lies in fairlead's own prefix");
  if (problem !== false) {
    throw new FairleadError("USAGE", `${problem}: ${JSON.stringify(key)}`);
  }
  return storeKey;
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
