import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/shared/api/*.d.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    languageOptions: { globals: { ...browser(), process: 'readonly' } },
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error', { name: 'localStorage', message: 'Nothing of a buyer outlives the tab.' }],
      'vue/no-v-html': 'error',
      'vue/multi-word-component-names': 'off',
      // Prettier decides.
      'vue/html-indent': 'off',
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-closing-bracket-newline': 'off',
    },
  },
)

function browser() {
  const names =
    'window document location navigator sessionStorage fetch Response Request URL AbortSignal EventSource ' +
    'setTimeout clearTimeout setInterval clearInterval crypto TextEncoder Intl HTMLElement HTMLInputElement Event'
  return Object.fromEntries(names.split(' ').map((name) => [name, 'readonly']))
}
