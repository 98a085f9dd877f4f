// Tells how many lines of our own the console has, and fails above the limit: what grows, grows elsewhere too.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MOST_LINES = 6_050;
const WIDEST = 150;

const files = readdirSync("src", { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== "schema.d.ts")
  .map((entry) => join(entry.parentPath, entry.name));
const lines = files.flatMap((file) => readFileSync(file, "utf8").split("\n").map((line) => ({ file, line })));
const own = lines.filter(({ line }) => line.trim()).length;
const wide = lines.filter(({ line }) => line.length > WIDEST);

console.log(`The console has ${own} lines of its own; ${MOST_LINES} are the limit.`);
for (const { file, line } of wide) console.error(`${file}: wider than ${WIDEST}: ${line.trim()}`);
if (own > MOST_LINES || wide.length > 0) process.exit(1);
