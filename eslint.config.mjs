// What a linter with types can see: promises that nobody waits for, cases that nobody handles, `any` that spreads.
// Nothing about layout.

import vitest from "@vitest/eslint-plugin";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
    { ignores: ["bin/", "node_modules/", "coverage/", "reports/", ".stryker-tmp/"] },
    { linterOptions: { reportUnusedDisableDirectives: "error" } },
    {
        files: ["sdk/**/*.ts", "test/**/*.ts", "examples/**/*.ts"],
        extends: [tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { project: ["tsconfig.json", "tsconfig.test.json", "tsconfig.page.json"], tsconfigRootDir: import.meta.dirname } },
        rules: {
            "array-callback-return": ["error", { allowVoid: true }],
            eqeqeq: "error",
            "no-constructor-return": "error",
            "no-self-compare": "error",
            "no-template-curly-in-string": "error",
            "no-unreachable-loop": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
            "@typescript-eslint/consistent-type-exports": ["error", { fixMixedExportsWithInlineTypeSpecifier: true }],
            "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports", disallowTypeAnnotations: false }],
            "@typescript-eslint/no-deprecated": "error",
            "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: true, checkThenables: true }],
            "@typescript-eslint/no-import-type-side-effects": "error",
            "@typescript-eslint/no-mixed-enums": "error",
            "@typescript-eslint/no-unnecessary-template-expression": "error",
            "@typescript-eslint/no-unnecessary-type-arguments": "error",
            // A component's constructor hands itself on as the parent of what it makes.
            "@typescript-eslint/no-this-alias": ["error", { allowedNames: ["parent"] }],
            // What is left out of a rest is named with a line below in front.
            "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
            "@typescript-eslint/no-useless-constructor": "error",
            "@typescript-eslint/prefer-reduce-type-parameter": "error",
            "@typescript-eslint/prefer-return-this-type": "error",
            "@typescript-eslint/related-getter-setter-pairs": "error",
            // The engine and the client ask for promises: `async` makes one of what is thrown, too.
            "@typescript-eslint/require-await": "off",
            "@typescript-eslint/restrict-plus-operands": "error",
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
            "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
            "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true }],
            // Objects of functions, which know no `this`.
            "@typescript-eslint/unbound-method": "off",
            "@typescript-eslint/use-unknown-in-catch-callback-variable": "error",
        },
    },
    {
        files: ["tools/**/*.mjs", "bench/**/*.mjs"],
        plugins: { "@typescript-eslint": tseslint.plugin },
        languageOptions: { parser: tseslint.parser, parserOptions: { project: "tsconfig.tools.json", tsconfigRootDir: import.meta.dirname } },
        rules: {
            eqeqeq: "error",
            "prefer-const": "error",
            "@typescript-eslint/await-thenable": "error",
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/no-misused-promises": "error",
            "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
            "@typescript-eslint/only-throw-error": "error",
        },
    },
    {
        files: ["test/**/*.ts"],
        plugins: { vitest },
        rules: {
            // What a server answered is looked at with matchers.
            "@typescript-eslint/no-unsafe-argument": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-call": "off",
            "@typescript-eslint/no-unsafe-member-access": "off",
            "@typescript-eslint/no-unsafe-return": "off",
            "vitest/no-disabled-tests": "error",
            "vitest/no-focused-tests": "error",
            "vitest/no-identical-title": "error",
            "vitest/no-commented-out-tests": "error",
            "vitest/valid-expect": ["error", { maxArgs: 2 }],
            "vitest/valid-describe-callback": "error",
        },
    },
);
