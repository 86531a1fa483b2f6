import { type Decoded, decodeText } from "../codec.ts";

export interface Lease {
  /** When it is over, in ms since 1970. */
  readonly expiresAtMs: number;
  /** False: what its owner has to write again may not stand yet, as it has just begun. In the file only when it is false. */
  readonly isSettled: boolean;
  /** The process that shows itself as the one that writes as this owner. */
  readonly holder: string | undefined;
}

/** The text of an owner's lease. */
export function encodeLease({ expiresAtMs, isSettled, holder = "" }: Lease): string {
  const more = { ...(holder !== "" && { holder }), ...(!isSettled && { settled: false }) };
  const lease = { v: 1, expiresAt: new Date(expiresAtMs).toISOString(), ...more };
  return `${JSON.stringify(lease)}\n`;
}

export function decodeLease(bytes: Uint8Array): Decoded<Lease> {
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
  const expiresAtMs = Date.parse(parsed.expiresAt);
  const isSettled = !("settled" in parsed) || parsed.settled !== false;
  const holder = "holder" in parsed && typeof parsed.holder === "string" && parsed.holder !== "" ? parsed.holder : undefined;
  return Number.isNaN(expiresAtMs)
    ? { ok: false, reason: "its expiresAt is no ISO 8601 time" }
    : { ok: true, value: { expiresAtMs, isSettled, holder } };
}
