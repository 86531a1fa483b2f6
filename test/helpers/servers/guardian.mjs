// Ends what a test process left behind. Plain JavaScript: it runs in a process of its own, where nothing compiles TypeScript.
//
//   node guardian.mjs watch          reads "+FOLDER" and "-FOLDER" lines; when its input ends (the test process is gone, however it
//                                    died), it sweeps the folders that are still on the list
//   node guardian.mjs sweep FOLDER…  sweeps now
//
// Sweeping a folder: kill every process that names the folder on its command line, with all its descendants; release the mounts below
// it; remove it. Every server of the harness is started with its folder on the command line, so no list of process ids is needed that
// could name a stranger.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";

const [mode, ...folders] = process.argv.slice(2);

if (mode === "sweep") {
  for (const folder of folders) {
    await sweep(folder);
  }
} else if (mode === "watch") {
  const guarded = new Set();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.startsWith("+")) {
      guarded.add(line.slice(1));
    } else {
      guarded.delete(line.slice(1));
    }
  }
  await Promise.all([...guarded].map(sweep));
} else {
  process.exitCode = 2;
}

async function sweep(folder) {
  // Several rounds: a process may start another while it is being looked for.
  for (let round = 0; round < 200; round += 1) {
    const found = processesOf(folder);
    if (found.length === 0) {
      break;
    }
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  for (const mount of mountsBelow(folder)) {
    spawnSync("umount", ["--lazy", mount], { timeout: 10_000 });
  }
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  } catch (error) {
    console.error(`cannot remove ${folder}: ${error.message}`);
  }
}

function processesOf(folder) {
  const all = processes();
  // Not the test process, nor a shell above it, that happen to name the folder.
  const spared = new Set();
  for (let pid = process.pid; pid > 0 && !spared.has(pid); pid = all.get(pid)?.parent ?? 0) {
    spared.add(pid);
  }
  const found = new Set();
  for (const [pid, { command }] of all) {
    if (names(command, folder) && !spared.has(pid)) {
      found.add(pid);
    }
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, { parent }] of all) {
      if (found.has(parent) && !found.has(pid) && !spared.has(pid)) {
        found.add(pid);
        grown = true;
      }
    }
  }
  return [...found];
}

function names(command, folder) {
  const at = command.indexOf(folder);
  return at >= 0 && /^(?:$|[/\0\s])/.test(command.slice(at + folder.length));
}

/** Without zombies: they have no command line and cannot be killed. */
function processes() {
  const all = new Map();
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name)) {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state !== "Z") {
          all.set(Number(name), { command, parent: Number(parent) });
        }
      } catch {
        // It has ended since the listing.
      }
    }
  }
  return all;
}

/** Deepest first. */
function mountsBelow(folder) {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((mount) => mount.startsWith(`${folder}/`))
    .sort()
    .reverse();
}
