// Lint rules. What the compiler and the layer lint check is not repeated here.
import jsdoc from 'eslint-plugin-jsdoc'
import { configs, plugin as typescript, parser } from 'typescript-eslint'

const opening = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      missing: 'A file opens with a block comment that says what it holds.',
      index: 'The opening block of a folder index carries @packageDocumentation.',
    },
  },
  create: (context) => ({
    Program(node) {
      const first = context.sourceCode.getAllComments()[0]
      const start = context.sourceCode.ast.tokens[0]?.range[0] ?? 0
      const opens = first?.type === 'Block' && first.value.startsWith('*') && first.range[0] < start
      if (!opens) context.report({ node, loc: { line: 1, column: 0 }, messageId: 'missing' })
      else if (context.filename.endsWith('/index.ts') && !first.value.includes('@packageDocumentation'))
        context.report({ node, loc: { line: 1, column: 0 }, messageId: 'index' })
    },
  }),
}

const syntaxBans = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  {
    selector: ':matches(ImportNamespaceSpecifier, ExportAllDeclaration)',
    message: 'Import and export by name: a namespace that escapes keeps everything in it alive in a bundle.',
  },
]

const throwBans = [
  {
    selector: 'ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError|SyntaxError)$/]',
    message: 'Throw VitalsealError with a stable code.',
  },
]

const globalsBan = (names, message) => names.map((name) => ({ name, message }))

export default [
  { ignores: ['dist/**', 'out/**', 'node_modules/**', 'test/types/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...[...configs.strictTypeChecked, ...configs.stylisticTypeChecked].map((config) => ({
    ...config,
    files: ['**/*.ts'],
  })),
  {
    files: ['**/*.ts'],
    languageOptions: { parser, parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': typescript },
    rules: {
      eqeqeq: 'error',
      'no-console': 'off',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // Both forms, `x!` and `x as T`, say that the author knows more than the types; neither is safer.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // A check that the types call needless may guard a caller without types, or bytes from outside.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['clearTimeout', 'console', 'performance', 'process', 'setTimeout', 'URL'].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      eqeqeq: 'error',
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { jsdoc, vitalseal: { rules: { opening } } },
    settings: { jsdoc: { mode: 'typescript' } },
    rules: {
      'vitalseal/opening': 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...syntaxBans, ...throwBans],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          enableFixer: false,
          require: { FunctionDeclaration: true, ClassDeclaration: true, MethodDefinition: true },
          contexts: [
            'ExportNamedDeclaration > TSInterfaceDeclaration',
            'ExportNamedDeclaration > TSTypeAliasDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
      'jsdoc/require-description': ['error', { contexts: ['any'] }],
      'jsdoc/check-param-names': ['error', { checkDestructured: false, disableMissingParamChecks: true }],
      'jsdoc/check-tag-names': ['error', { definedTags: ['packageDocumentation'] }],
      'jsdoc/check-alignment': 'error',
      'jsdoc/empty-tags': 'error',
      'jsdoc/no-types': 'error',
      'jsdoc/require-param-description': 'error',
      'jsdoc/require-returns-description': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/node/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...globalsBan(['Date', 'performance'], 'Time enters as a parameter; only src/node has a clock.'),
        ...globalsBan(['process', 'Buffer', 'require', '__dirname', '__filename'], 'Only src/node knows Node.'),
        ...globalsBan(
          ['window', 'document', 'navigator', 'self'],
          'No DOM: one implementation serves Node and browsers.',
        ),
        ...globalsBan(['crypto'], 'Use primitives/random.ts or primitives/web-crypto.ts.'),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Use a RandomSource.' },
        ...['Date', 'process', 'Buffer', 'performance', 'crypto'].map((property) => ({
          object: 'globalThis',
          property,
          message: 'Globals of the runtime are named in primitives/web-crypto.ts and primitives/random.ts only.',
        })),
      ],
      'no-restricted-imports': ['error', { patterns: [{ regex: '^node:', message: 'Only src/node knows Node.' }] }],
    },
  },
  {
    files: ['src/primitives/web-crypto.ts', 'src/primitives/random.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    // Tests print what must not print its secrets.
    rules: { '@typescript-eslint/no-base-to-string': 'off' },
  },
  {
    files: ['benchmarks/**/*.ts', 'examples/**/*.ts', 'test/support/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntaxBans] },
  },
]
