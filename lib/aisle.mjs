#!/usr/bin/env node
// The command's entry: plain JavaScript, so that Node can start it, which then lets Node read our TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./cli.ts");
