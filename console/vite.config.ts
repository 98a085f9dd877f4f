import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import postcss, { type Rule } from "postcss";
import { defineConfig, type Plugin } from "vite";

const BUILT = "../src/gristmill/static";
const LEAST_BYTES = 1024;

/** Carbon's stylesheet asks a CDN for its fonts; ours come with the console (src/styles/fonts.css). */
const ownFonts: Plugin = {
  name: "own-fonts",
  enforce: "pre",
  transform: (code, id) =>
    id.includes("@carbon/styles/css/") ? code.replace(/@font-face\{[^}]*\}/g, "") : undefined,
};

/** Leaves out the rules of Carbon's parts that no code names: half of its stylesheet, which every browser would read. */
const onlyUsed: Plugin = {
  name: "only-used",
  apply: "build",
  enforce: "post",
  generateBundle(_, bundle) {
    const files = Object.values(bundle);
    const code = files.map((file) => (file.type === "chunk" ? file.code : "")).join("\n");
    const words = new Set([...(code.match(/[a-z0-9]+(?:-[a-z0-9]+)*/g) ?? []), ...SET_BEFORE_THE_CODE]);
    // Names that end as a property says: `${prefix}--stack-${orientation}`.
    const begun = [...code.matchAll(/--((?:[a-z0-9]+-)+)\$\{/g)].map((found) => found[1] ?? "");
    const named: Named = (part) => words.has(part) || begun.some((beginning) => part.startsWith(beginning));
    for (const page of files) {
      if (page.type !== "asset" || !page.fileName.endsWith(".html")) continue;
      page.source = String(page.source).replace(/assets\/[\w-]+\.css/g, (name) => {
        const sheet = bundle[name];
        if (sheet?.type !== "asset") throw new Error(`There is no stylesheet ${name}.`);
        sheet.source = withoutUnnamed(String(sheet.source), named);
        // A browser keeps a file for ever, by its name: other content is another name.
        sheet.fileName = `assets/${createHash("sha256").update(sheet.source).digest("hex").slice(0, 8)}.css`;
        return sheet.fileName;
      });
    }
  },
};
type Named = (part: string) => boolean;

const SET_BEFORE_THE_CODE = ["white", "g100"]; // by public/theme.js

function withoutUnnamed(css: string, named: Named): string {
  const root = postcss.parse(css);
  // What is named in :not() or :is() may be missing, and the rule still holds.
  const parts = (selector: string) =>
    [...selector.replace(/:(not|is|where)\([^()]*\)/g, "").matchAll(/\.cds--([a-z0-9]+(?:-[a-z0-9]+)*)/g)].map((found) => found[1] ?? "");
  root.walkRules((rule: Rule) => {
    const kept = rule.selectors.filter((selector) => parts(selector).every(named));
    if (kept.length === 0) rule.remove();
    else if (kept.length < rule.selectors.length) rule.selectors = kept;
  });
  root.walkAtRules((rule) => void (rule.nodes?.length === 0 && rule.remove()));
  return root.toString();
}

/** Lays a gzip beside each text file, so that the server never compresses. */
const gzipped: Plugin = {
  name: "gzipped",
  apply: "build",
  closeBundle() {
    for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(css|html|js|svg)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const content = readFileSync(path);
      if (content.length >= LEAST_BYTES) writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  base: "/console/",
  plugins: [react(), ownFonts, onlyUsed, gzipped],
  // Without inlined assets: the content security policy allows no data: beyond images.
  build: { target: "es2022", outDir: BUILT, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: Object.fromEntries(["/v1", "/v2", "/ml"].map((path) => [path, "http://127.0.0.1:18080"])) },
});
