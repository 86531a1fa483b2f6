import { FairleadError } from "../../model/errors.ts";

/** Paths of PEM files; they are read for each connection, so that renewed ones are used. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Where a list is asked for, and how much patience there is with it. */
export interface Endpoint {
  readonly url: URL;
  /** For messages: without the query, which may hold a secret. */
  readonly name: string;
  readonly tls: TlsFiles;
  /** Asked for before each call, so that a renewed one is used. */
  readonly token: (() => Promise<string>) | undefined;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** @throws FairleadError `CONFIG_INVALID`; the message never repeats what stands before an `@` */
export function parseSourceUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new FairleadError("CONFIG_INVALID", "the URL of the http source is none", { hint: "write http://host:8080/path" });
  }
  if (url.username !== "" || url.password !== "") {
    throw new FairleadError("CONFIG_INVALID", "the URL of the http source holds a user or password", {
      hint: "write a token into a file, and name it with `tokenFile`",
    });
  }
  return url;
}

export function nameOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
