import { readdirSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Vant's icons are in its style sheet; the fall-back at a stranger's address is left out. */
function withoutForeignFonts(): Plugin {
  const foreign = /,\s*url\(["']?\/\/at\.alicdn\.com[^)]*\)\s*format\(["']woff["']\)/g
  return {
    name: 'without-foreign-fonts',
    enforce: 'pre',
    transform: (code, id) => (id.endsWith('.css') && foreign.test(code) ? code.replace(foreign, '') : null),
  }
}

/** One build, one entry for each kind of reader; what they share is shared in the files too. */
export default defineConfig({
  plugins: [vue(), withoutForeignFonts()],
  resolve: { alias: { '@': here('./src') } },
  define: { __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    target: 'es2022',
    // Pictures as files: the content policy allows data: for them too, but a hashed file is kept for ever.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      input: readdirSync(here('.'))
        .filter((name) => name.endsWith('.html'))
        .map((name) => here(`./${name}`)),
    },
  },
  server: { proxy: { '/v1': process.env.KAQUAN_GATEWAY ?? 'http://127.0.0.1:8000' } },
})
