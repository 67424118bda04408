// In: a Debian or Ubuntu machine's own package sources. Out: Mesa's software driver (lavapipe, version 24 or newer), unpacked
// under a folder together with every library it needs that the machine lacks. Invariant: apt works on a private state, nothing
// outside the folder is written, no privilege is needed, and packages are checked by apt against the machine's own keys.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Older ones lack features that Dawn demands. */
const oldestMesa = 24;
const roots = ["mesa-vulkan-drivers", "libvulkan1"];

/**
 * Runs a program to its end and returns its output; throws with the program's own words when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
function output(program, args, options = {}) {
  const env = { ...(options.env ?? process.env), LC_ALL: "C" };
  const result = spawnSync(program, args, { cwd: options.cwd, env, encoding: "utf8", maxBuffer: 1 << 28, timeout: 300_000 });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    const words = `${result.stderr}\n${result.stdout}`.trim().split("\n").slice(0, 6).join("\n  ");
    throw new Error(`${program} ${args.at(-1) ?? ""} failed (status ${result.status ?? result.signal}):\n  ${words}`);
  }
  return result.stdout;
}

/** The release's name, such as `bookworm`. */
function codename() {
  const match = /^VERSION_CODENAME="?([a-z0-9-]+)"?$/m.exec(readFileSync("/etc/os-release", "utf8"));
  if (match?.[1] === undefined) throw new Error("/etc/os-release names no VERSION_CODENAME");
  return match[1];
}

/**
 * Of one source's suites, those of the release itself, with its backports added beside the release's main suite.
 * @param {readonly string[]} suites
 * @param {string} release
 */
function wantedSuites(suites, release) {
  const ours = [release, `${release}-updates`, `${release}-security`, `${release}-backports`, `${release}/updates`];
  const kept = suites.filter((suite) => ours.includes(suite));
  return suites.includes(release) ? [...new Set([...kept, `${release}-backports`])] : kept;
}

/**
 * The machine's package sources in both of apt's formats, narrowed to the release's `main` component.
 * @param {string} release
 */
function sources(release) {
  const files = ["/etc/apt/sources.list"];
  const parts = "/etc/apt/sources.list.d";
  if (existsSync(parts)) files.push(...readdirSync(parts).map((name) => join(parts, name)));
  /** @type {string[]} */
  const lines = [];
  /** @type {string[]} */
  const stanzas = [];
  for (const file of files.filter((path) => existsSync(path))) {
    const text = readFileSync(file, "utf8").replace(/^\s*#.*\n?/gm, "");
    if (file.endsWith(".sources")) {
      for (const stanza of text.split(/\n\s*\n/)) {
        /** @param {string} name */
        const field = (name) => (new RegExp(`^${name}:[ \\t]*(.*)$`, "im").exec(stanza)?.[1] ?? "").split(/\s+/);
        const suites = wantedSuites(field("Suites"), release);
        if (suites.length === 0 || !field("Types").includes("deb") || !field("Components").includes("main")) continue;
        if (/^(no|false)$/i.test(field("Enabled")[0] ?? "")) continue;
        stanzas.push(
          stanza
            .trim()
            .replace(/^Types:.*$/im, "Types: deb")
            .replace(/^Suites:.*$/im, `Suites: ${suites.join(" ")}`)
            .replace(/^Components:.*$/im, "Components: main"),
        );
      }
    } else if (file.endsWith(".list")) {
      for (const line of text.split("\n")) {
        const match = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line);
        if (match === null || !(match[4] ?? "").split(/\s+/).includes("main")) continue;
        for (const suite of wantedSuites([match[3] ?? ""], release)) lines.push(`deb ${match[1] ?? ""}${match[2]} ${suite} main`);
      }
    }
  }
  if (lines.length + stanzas.length === 0) throw new Error(`the machine's package sources name no main component of ${release}`);
  return { lines: `${[...new Set(lines)].join("\n")}\n`, stanzas: `${stanzas.join("\n\n")}\n` };
}

/**
 * Writes a private apt state and returns its configuration file.
 * @param {string} state
 * @param {string} release
 */
function privateState(state, release) {
  for (const folder of ["lists/partial", "cache/archives/partial", "parts", "debs"]) mkdirSync(join(state, folder), { recursive: true });
  const { lines, stanzas } = sources(release);
  writeFileSync(join(state, "parts/system.list"), lines);
  writeFileSync(join(state, "parts/system.sources"), stanzas);
  writeFileSync(join(state, "no-packages"), "");
  // The machine's hooks are cleared, as they may act on the system; of every source only the list of packages is wanted.
  const configuration = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages"; flatMetaKey "Packages"; ShortDescription "Packages";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages"; Optional "false";
};
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Dir::State::Lists "${state}/lists";
Dir::Cache "${state}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::GzipIndexes "false";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${state}/parts";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Debug::NoLocking "true";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
`;
  const path = join(state, "apt.conf");
  writeFileSync(path, configuration);
  return path;
}

/**
 * The suite to take Mesa from and its version: the release itself where its Mesa is new enough, otherwise its backports.
 * @param {string} configuration
 * @param {string} release
 */
function newEnoughMesa(configuration, release) {
  const offers = output("apt-cache", ["-c", configuration, "madison", roots[0] ?? ""])
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, version = "", origin = ""]) => ({ version, backported: origin.includes(`${release}-backports`) }))
    .filter(({ version }) => Number.parseInt(version.replace(/^\d+:/, ""), 10) >= oldestMesa);
  const offer = offers.find(({ backported }) => !backported) ?? offers[0];
  if (offer === undefined) throw new Error(`${release} and its backports offer no Mesa of version ${oldestMesa} or newer`);
  return { version: offer.version, target: offer.backported ? ["-t", `${release}-backports`] : [] };
}

/**
 * The packages to fetch, as `name=version`: apt's own solution for installing the driver, narrowed to what the driver depends on.
 * @param {string} state
 * @param {string} configuration
 * @param {readonly string[]} target
 */
function solve(state, configuration, target) {
  const relations = ["--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances"];
  const closure = new Set(output("apt-cache", ["-c", configuration, "depends", "--recurse", ...relations, ...roots]).split("\n"));
  /** @param {readonly string[]} options */
  const simulate = (options) => {
    const args = ["-c", configuration, ...options, "--no-install-recommends", ...target, "-s", "install", ...roots];
    const planned = [...output("apt-get", args).matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) .*?\[(\w+)\]\)/gm)];
    return planned.map(([, name = "", version = ""]) => ({ name: name.replace(/:.*$/, ""), version }));
  };
  let planned;
  try {
    planned = simulate([]);
  } catch {
    // The machine's own package state may be broken or held back. Then solve as if nothing were installed, and leave out the C
    // runtime, which has to be the one that Node runs on.
    planned = simulate(["-o", `Dir::State::status=${state}/no-packages`]).filter(
      ({ name }) => /^(lib|mesa|zlib)/.test(name) && !/^(libc6|libc-|libgcc-s1|libcrypt1|libstdc\+\+6)/.test(name),
    );
  }
  const wanted = planned.filter(({ name }) => closure.has(name)).map(({ name, version }) => `${name}=${version}`);
  return [...wanted, ...roots.filter((root) => !wanted.some((spec) => spec.startsWith(`${root}=`)))];
}

/**
 * Fetches lavapipe into `folder`, which must be empty. Throws where apt is absent, offers nothing new enough, or fails.
 * @param {string} folder
 * @param {(line: string) => void} say
 * @returns {{ driver: string, origin: string, icd: string, libraries: string[], downloaded: number }}
 */
export function fetchMesa(folder, say) {
  if (spawnSync("apt-get", ["--version"]).error) throw new Error("this machine has no apt");
  const state = join(folder, "apt");
  const root = join(folder, "root");
  mkdirSync(root, { recursive: true });
  const release = codename();
  const configuration = privateState(state, release);
  say(`reading the package lists of ${release} and its backports, into a private place`);
  // One source that fails does not matter as long as Mesa is on offer, so what counts is what follows.
  spawnSync("apt-get", ["-c", configuration, "-q", "update"], { env: { ...process.env, LC_ALL: "C" }, stdio: "ignore", timeout: 300_000 });
  const { version, target } = newEnoughMesa(configuration, release);
  const packages = solve(state, configuration, target);
  const uris = output("apt-get", ["-c", configuration, ...target, "download", "--print-uris", ...packages]);
  const downloaded = [...uris.matchAll(/^'.*' \S+ (\d+) /gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  say(
    `fetching ${packages.length} packages, ${(downloaded / 1e6).toFixed(1)} MB: ${packages.map((spec) => spec.replace(/=.*/, "")).join(" ")}`,
  );
  const debs = join(state, "debs");
  output("apt-get", ["-c", configuration, "-q", ...target, "download", ...packages], { cwd: debs });
  for (const deb of readdirSync(debs)) output("dpkg-deb", ["-x", join(debs, deb), root]);
  rmSync(state, { recursive: true });
  return { ...arrange(folder, root), driver: `lavapipe, Mesa ${version}`, origin: `${packages.length} packages of ${release}`, downloaded };
}

/**
 * Keeps lavapipe alone of Mesa's drivers, writes its description with a path relative to itself, and checks that every library
 * it needs is found.
 * @param {string} folder
 * @param {string} root
 */
function arrange(folder, root) {
  const libraries = ["usr/lib", "lib"]
    .filter((part) => existsSync(join(root, part)))
    .flatMap((part) =>
      readdirSync(join(root, part))
        .filter((name) => name.endsWith("-linux-gnu"))
        .map((name) => `root/${part}/${name}`),
    );
  const descriptions = join(root, "usr/share/vulkan/icd.d");
  const description = readdirSync(descriptions).find((name) => name.startsWith("lvp_icd"));
  if (description === undefined) throw new Error("the package of Mesa's drivers holds no lavapipe");
  const icd = JSON.parse(readFileSync(join(descriptions, description), "utf8"));
  const driver = basename(icd.ICD.library_path);
  const place = libraries.find((part) => existsSync(join(folder, part, driver)));
  if (place === undefined) throw new Error(`the package of Mesa's drivers holds no ${driver}`);
  for (const name of readdirSync(join(folder, place))) {
    if (/^lib(vulkan_|VkLayer_).*\.so$/.test(name) && name !== driver) rmSync(join(folder, place, name));
  }
  rmSync(join(root, "usr/share/vulkan"), { recursive: true });
  icd.ICD.library_path = `./${place}/${driver}`;
  writeFileSync(join(folder, "lvp_icd.json"), `${JSON.stringify(icd, null, 2)}\n`);
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.map((part) => join(folder, part)).join(":") };
  const lost = output("ldd", [join(folder, place, driver)], { env }).match(/^.*not found.*$/gm);
  if (lost !== null) throw new Error(`libraries of the driver are missing:\n${lost.join("\n")}`);
  return { icd: "lvp_icd.json", libraries };
}
