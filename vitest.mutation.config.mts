// The tests that mutations are tried on (stryker.config.mjs): those of one process, without what runs the built package.

import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["test/unit/**/*.test.ts", "test/reconcilers/**/*.test.ts"],
        exclude: ["test/unit/{cli,docs,tools}/**"],
        testTimeout: 15_000,
        hookTimeout: 30_000,
    },
});
