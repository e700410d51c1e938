import { defineConfig } from "vitest/config";

const seconds = 1000;

export default defineConfig({
    test: {
        // Each test file of test/engine runs several processes of its own.
        maxWorkers: 2,
        coverage: {
            provider: "v8",
            include: ["sdk/**/*.ts"],
            // Run by tests of test/engine and by commands, as they are built and in processes of their own.
            exclude: ["sdk/resources/**", "sdk/cli/**", "sdk/report/page/**", "sdk/index.ts", "sdk/provider.ts"],
            reporter: ["text-summary", "json-summary", "html"],
        },
        projects: [
            {
                test: {
                    name: "unit",
                    include: ["test/**/*.test.ts"],
                    exclude: ["test/contract/**", "test/engine/**"],
                    testTimeout: 15 * seconds,
                    hookTimeout: 30 * seconds,
                },
            },
            {
                test: {
                    name: "contract",
                    include: ["test/contract/**/*.test.ts"],
                    testTimeout: 60 * seconds,
                    hookTimeout: 60 * seconds,
                },
            },
            {
                test: {
                    name: "engine",
                    include: ["test/engine/**/*.test.ts"],
                    testTimeout: 240 * seconds,
                    hookTimeout: 120 * seconds,
                },
            },
        ],
    },
});
