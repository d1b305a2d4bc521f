import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";

export default tseslint.config(
  { ignores: ["node_modules/", "data/", "thesis/", "coverage/"] },
  ...tseslint.configs.strict,
  prettier,
  {
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off", // typed arrays and maps whose keys were just checked
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-console": "error", // notebooks and the command line print; the library does not
      eqeqeq: "error",
    },
  },
  { files: ["lib/cli/**", "lib/cli.ts", "bench/**"], rules: { "no-console": "off" } },
  { files: ["test/**"], rules: { "@typescript-eslint/no-unused-expressions": "off" } },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
);
