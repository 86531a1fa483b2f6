import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { each } from "../../core/each.ts";
import { systemCode } from "../../model/errors.ts";
import { fileError, isAbsent } from "./errors.ts";
import { type Loaded, loadFile, type Stamp } from "./load.ts";
import { childOf, isForeignName, parentOf, type Role, roleOf } from "./paths.ts";

const FILES_AT_ONCE = 32;
const SERVICES_AT_ONCE = 8;

export type Content = Extract<Loaded, { readonly kind: "bytes" | "unreadable" }>;

/** Keeps folders watched; told before a folder is listed, so that nothing falls between. */
export interface FolderWatcher {
  /** Watches a folder from now on; false: the folder of this identity was watched already. */
  add(path: string, identity: string): Promise<boolean>;
  remove(path: string): void;
}

export interface TreeOptions {
  readonly dir: string;
  readonly wants: (role: Role) => boolean;
  readonly onFile: (path: string, role: Role, content: Content) => void;
  readonly onGone: (path: string, role: Role) => void;
  /** Present: a folder that was there before and is gone is an outage. Absent: it is empty then. */
  readonly root?: { wasSeen: boolean };
}

/** What is known of the folder's files. It looks where it is told to, and reports what differs from before. */
export class FolderTree {
  readonly #options: TreeOptions;
  readonly #folders = new Map<string, Set<string>>();
  readonly #files = new Map<string, Stamp | undefined>();
  #watcher: FolderWatcher | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** From the next visit on, folders are watched. */
  watchWith(watcher: FolderWatcher): void {
    this.#watcher = watcher;
  }

  /** Whether the folder was there at the last visit. */
  get hasRoot(): boolean {
    return this.#folders.has("");
  }

  /** Something may have changed at these paths; `""` is everything. Files whose stamp is the same are not read again. */
  async visit(paths: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const known: string[] = [];
    // One after the other, since one may lie in another; known files cannot, and they are the usual case.
    for (const path of paths) {
      if (this.#files.has(path) && !this.#folders.has(path) && this.#folders.has(parentOf(path))) {
        known.push(path);
      } else {
        signal.throwIfAborted();
        await this.#visit(path, signal);
      }
    }
    await each(known, { limit: FILES_AT_ONCE, signal }, (path, running) => this.#visit(path, running));
  }

  async #visit(path: string, signal: AbortSignal): Promise<void> {
    const role = this.#wanted(path);
    if (role === undefined) {
      return;
    }
    const parent = parentOf(path);
    if (path !== "" && !this.#folders.has(parent)) {
      await this.#visit(parent, signal); // its list has this one
      return;
    }
    if (isAlwaysFolder(role) || (role.kind === "key" && (await this.#isFolder(path)))) {
      await this.#visitFolder(path, role, signal);
    } else {
      await this.#visitFile(path, role, signal);
    }
  }

  async #visitFolder(path: string, role: Role, signal: AbortSignal): Promise<void> {
    this.#forgetFile(path, role);
    let list: readonly Dirent[];
    try {
      await this.#watch(path);
      list = await readdir(this.#absolute(path), { withFileTypes: true });
    } catch (error) {
      const isLost = role.kind === "root" && this.#options.root?.wasSeen === true;
      if ((isAbsent(error) && !isLost) || (systemCode(error) === "ENOTDIR" && role.kind === "service")) {
        this.#forget(path);
        return;
      }
      throw fileError(error, `read ${this.#absolute(path)}`);
    }
    if (role.kind === "root" && this.#options.root !== undefined) {
      this.#options.root.wasSeen = true;
    }
    const children = list.filter(({ name }) => !isForeignName(name) && this.#wanted(childOf(path, name)) !== undefined);
    const names = new Set(children.map(({ name }) => name));
    for (const name of this.#folders.get(path) ?? []) {
      if (!names.has(name)) {
        this.#forget(childOf(path, name));
      }
    }
    this.#folders.set(path, names);
    this.#nameInParent(path);
    const folders = children.filter((child) => child.isDirectory() || role.kind === "services");
    await each(folders, { limit: role.kind === "services" ? SERVICES_AT_ONCE : 1, signal }, ({ name }, running) =>
      this.#visit(childOf(path, name), running),
    );
    const files = children.filter((child) => !folders.includes(child));
    await each(files, { limit: FILES_AT_ONCE, signal }, async ({ name }, running) => {
      const child = childOf(path, name);
      const childRole = this.#wanted(child);
      if (childRole !== undefined && !isAlwaysFolder(childRole)) {
        await this.#visitFile(child, childRole, running);
      }
    });
  }

  /** Repeated until the folder that is watched is the one that stands there. */
  async #watch(path: string): Promise<void> {
    let isNew = true;
    while (this.#watcher !== undefined && isNew) {
      const stats = await stat(this.#absolute(path), { bigint: true });
      isNew = stats.isDirectory() && (await this.#watcher.add(path, identityOf(stats)));
    }
  }

  async #visitFile(path: string, role: Role, signal: AbortSignal): Promise<void> {
    if (this.#folders.has(path)) {
      this.#forget(path);
    }
    const content = await this.#load(path, role, signal);
    switch (content.kind) {
      case "same":
        return;
      case "absent":
        this.#forgetFile(path, role);
        return;
      case "folder":
        this.#found(path, undefined);
        this.#options.onFile(path, role, { kind: "unreadable", reason: "it is no regular file" });
        return;
      case "unreadable":
      case "bytes":
        this.#found(path, content.kind === "bytes" ? content.stamp : undefined);
        this.#options.onFile(path, role, content);
    }
  }

  async #load(path: string, role: Role, signal: AbortSignal): Promise<Loaded> {
    if (role.kind === "misnamed") {
      return { kind: "unreadable", reason: `its name has to be ${role.wanted}` };
    }
    try {
      return await loadFile(this.#absolute(path), { known: this.#files.get(path), signal });
    } catch (error) {
      signal.throwIfAborted();
      throw fileError(error, `read ${this.#absolute(path)}`);
    }
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      return (await lstat(this.#absolute(path))).isDirectory();
    } catch {
      return false; // whatever it is, reading it tells
    }
  }

  #found(path: string, stamp: Stamp | undefined): void {
    this.#files.set(path, stamp);
    this.#nameInParent(path);
  }

  #nameInParent(path: string): void {
    if (path !== "") {
      this.#folders.get(parentOf(path))?.add(path.slice(path.lastIndexOf("/") + 1));
    }
  }

  #forget(path: string): void {
    const children = this.#folders.get(path);
    if (children !== undefined) {
      this.#folders.delete(path);
      this.#watcher?.remove(path);
      for (const name of children) {
        this.#forget(childOf(path, name));
      }
    }
    const role = roleOf(path);
    if (role !== undefined) {
      this.#forgetFile(path, role);
    }
  }

  #forgetFile(path: string, role: Role): void {
    if (this.#files.delete(path)) {
      this.#options.onGone(path, role);
    }
  }

  #wanted(path: string): Role | undefined {
    const role = roleOf(path);
    return role !== undefined && this.#options.wants(role) ? role : undefined;
  }

  #absolute(path: string): string {
    return join(this.#options.dir, path);
  }
}

function isAlwaysFolder(role: Role): boolean {
  return role.kind === "root" || role.kind === "services" || role.kind === "service" || role.kind === "owners";
}

/** The birth time too: a number is given again to the next folder as soon as one is removed. */
function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}
