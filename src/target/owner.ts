import { readFileSync } from "node:fs";
import { FairleadError, messageOf } from "../model/errors.ts";

/**
 * Ids of `user`, `user:group`, `:group`; names are looked up in /etc/passwd and /etc/group, numbers are taken as they are. A user without a
 * group brings its own group.
 * @throws FairleadError `CONFIG_INVALID` for an unknown name
 */
export function resolveOwner(text: string): { readonly uid?: number; readonly gid?: number } {
  const [user = "", group = ""] = text.split(":");
  const account = user === "" ? undefined : findAccount(user);
  const gid = group === "" ? account?.gid : findGroup(group);
  return { ...(account !== undefined && { uid: account.uid }), ...(gid !== undefined && { gid }) };
}

function findAccount(name: string): { readonly uid: number; readonly gid?: number } {
  if (/^\d+$/.test(name)) {
    return { uid: Number(name) };
  }
  const fields = findLine("/etc/passwd", name, "user");
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function findGroup(name: string): number {
  return /^\d+$/.test(name) ? Number(name) : Number(findLine("/etc/group", name, "group")[2]);
}

function findLine(file: string, name: string, what: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new FairleadError("CONFIG_INVALID", `cannot look up the ${what} "${name}": ${messageOf(error)}`, { cause: error });
  }
  const fields = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([first]) => first === name);
  if (fields === undefined) {
    throw new FairleadError("CONFIG_INVALID", `there is no ${what} "${name}" on this machine`, {
      hint: "create it, or give its number",
    });
  }
  return fields;
}
