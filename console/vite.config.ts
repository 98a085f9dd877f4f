import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
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
  plugins: [react(), ownFonts, gzipped],
  // Without inlined assets: the content security policy allows no data: beyond images.
  build: { target: "es2022", outDir: BUILT, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: Object.fromEntries(["/v1", "/v2", "/ml"].map((path) => [path, "http://127.0.0.1:18080"])) },
});
