// A twin in gzip and one in brotli for every file worth it: the gateway sends them as they are.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const WORTH = /\.(?:js|css|html|svg|json|webmanifest)$/
const SMALL_BYTES = 512

for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !WORTH.test(entry.name)) continue
  const file = `${entry.parentPath ?? entry.path}/${entry.name}`
  const body = readFileSync(file)
  if (body.length < SMALL_BYTES) continue
  writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }))
  writeFileSync(`${file}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
}
