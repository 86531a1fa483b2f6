import { type Decoded, decodeText } from "../codec.ts";

/** The text of an owner's lease. */
export function encodeLease(expiresAtMs: number): string {
  return `${JSON.stringify({ v: 1, expiresAt: new Date(expiresAtMs).toISOString() })}\n`;
}

/** When the lease is over, in ms since 1970. */
export function decodeLease(bytes: Uint8Array): Decoded<number> {
  const text = decodeText(bytes);
  if (!text.ok) {
    return text;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.value);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  if (typeof parsed !== "object" || parsed === null || !("expiresAt" in parsed) || typeof parsed.expiresAt !== "string") {
    return { ok: false, reason: "it has no text expiresAt" };
  }
  if ("v" in parsed && parsed.v !== 1) {
    return { ok: false, reason: "its version is not 1" };
  }
  const value = Date.parse(parsed.expiresAt);
  return Number.isNaN(value) ? { ok: false, reason: "its expiresAt is no ISO 8601 time" } : { ok: true, value };
}
