import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  installedHere,
  installKernelspec,
  uninstallKernelspec,
  userDataFolder,
} from "../../lib/notebook/index.js";
import { aisle } from "../cli/run.js";
import { temporaryFolder } from "./helpers.js";

describe("kernelspec", () => {
  const folder = temporaryFolder();

  it("goes where each system's Jupyters look", () => {
    assert.equal(userDataFolder("linux", {}, "/home/a"), path.join("/home/a", ".local", "share", "jupyter"));
    assert.equal(userDataFolder("linux", { XDG_DATA_HOME: "/x" }, "/home/a"), path.join("/x", "jupyter"));
    assert.equal(userDataFolder("darwin", {}, "/Users/a"), path.join("/Users/a", "Library", "Jupyter"));
    assert.equal(userDataFolder("win32", { APPDATA: "C" }, "H"), path.join("C", "jupyter"));
    assert.equal(userDataFolder("win32", { JUPYTER_DATA_DIR: "D" }, "H"), "D");
  });

  it("is installed with absolute paths, and taken back", async () => {
    assert.equal(installedHere(folder), false);
    assert.equal(uninstallKernelspec(folder), false);
    const { argv } = JSON.parse(
      readFileSync(path.join(installKernelspec(folder), "kernel.json"), "utf8"),
    ) as { argv: string[] };
    assert.equal(argv[0], process.execPath);
    assert.ok(path.isAbsolute(argv[1]!) && existsSync(argv[1]!));
    assert.equal(argv[2], "{connection_file}");
    assert.ok(installedHere(folder));
    assert.ok(uninstallKernelspec(folder));
    assert.equal(installedHere(folder), false);
    const { code, stderr } = await aisle(["kernel", "install"], { JUPYTER_DATA_DIR: folder });
    assert.equal(code, 0, stderr);
    assert.ok(installedHere(folder));
  });
});
