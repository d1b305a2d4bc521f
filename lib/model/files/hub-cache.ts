/**
 * The folder in which Hugging Face's tools keep what they download, so that a model pulled by one is there for all:
 *
 *     models--OWNER--NAME/blobs/HASH                    the files by content
 *     models--OWNER--NAME/snapshots/COMMIT/config.json  a link to its blob
 *     models--OWNER--NAME/refs/main                     the commit that a branch or tag stood for
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { codeOf, InputError, RunError, whyNot, writeFileWhole } from "../../base/index.js";

/** Environment variables by name; `process.env` or a stand-in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The commit of a revision that was never downloaded under a name, or a commit itself. */
const COMMIT = /^[0-9a-f]{40}$/;

/** Where the cache is: `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
export function hubCache(environment: Environment = process.env): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  return HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(home, "hub");
}

/** Whether a text can be a repository's name, `owner/name` or `name`. */
export function isRepoName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(text) && !/\.\.|--|\.$/.test(text);
}

/** Whether a text can be a branch, a tag or a commit. */
export function isRevision(text: string): boolean {
  return /^\w[\w.-]*(\/\w[\w.-]*)*$/.test(text) && !text.includes("..");
}

/** One repository in the cache. */
export class CachedRepo {
  private readonly root: string;

  constructor(
    readonly name: string,
    environment: Environment = process.env,
  ) {
    this.root = join(hubCache(environment), `models--${name.replace("/", "--")}`);
  }

  /** The commit that a revision stands for here, if known. */
  commit(revision: string): string | undefined {
    if (COMMIT.test(revision)) return revision;
    const path = join(this.root, "refs", ...revision.split("/"));
    if (!existsSync(path)) return undefined;
    const commit = readFileSync(path, "utf8").trim();
    return COMMIT.test(commit) ? commit : undefined;
  }

  /** Remembers the commit of a branch or tag. */
  setCommit(revision: string, commit: string): void {
    if (revision !== commit) writeFileWhole(join(this.root, "refs", ...revision.split("/")), commit);
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.root, "snapshots", commit);
  }

  /** The file with a given content; its folder exists afterwards. */
  blob(hash: string): string {
    const path = join(this.root, "blobs", hash);
    makeFolder(dirname(path));
    return path;
  }

  /** Lets a file of a commit be found: a relative link, or where links are not allowed a hard link or a copy. */
  place(commit: string, name: string, hash: string): void {
    const pointer = join(this.snapshot(commit), name);
    const blob = this.blob(hash);
    if (existsSync(pointer)) return;
    makeFolder(dirname(pointer));
    rmSync(pointer, { force: true }); // a link that leads nowhere
    try {
      symlinkSync(relative(dirname(pointer), blob), pointer);
      return;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return; // another process was faster
    }
    try {
      linkSync(blob, pointer);
    } catch {
      try {
        copyFileSync(blob, pointer);
      } catch (error) {
        throw new RunError(`Could not place ${pointer}: ${whyNot(error)}.`);
      }
    }
  }
}

/** The message for a text that is no revision. */
export function noRevision(text: string): InputError {
  return new InputError(`"${text}" is not a revision; give a branch, a tag or a commit.`);
}

/**
 * The folder of a model that the user named: a folder, or a repository that was pulled before; `undefined` where it is neither.
 * @param revision of a repository. __Default:__ `main`
 * @throws InputError when the revision is none
 */
export function modelFolder(
  name: string,
  revision = "main",
  environment: Environment = process.env,
): string | undefined {
  if (existsSync(name)) return name;
  if (!isRepoName(name)) return undefined;
  if (!isRevision(revision)) throw noRevision(revision);
  const repo = new CachedRepo(name, environment);
  const commit = repo.commit(revision);
  return commit !== undefined && existsSync(repo.snapshot(commit)) ? repo.snapshot(commit) : undefined;
}

/**
 * The same, which has to be there.
 * @throws InputError when it is not, saying how to get it
 */
export function findModel(name: string, revision = "main", environment: Environment = process.env): string {
  const folder = modelFolder(name, revision, environment);
  if (folder !== undefined) return folder;
  if (!isRepoName(name)) throw new InputError(`There is no model folder ${name}.`);
  throw new InputError(
    `There is no model folder ${name}; if it is a model on the hub, run "aisle model pull ${name}".`,
  );
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new RunError(`Could not make the folder ${path}: ${whyNot(error)}.`);
  }
}
