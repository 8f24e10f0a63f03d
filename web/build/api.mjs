// Types of the API from the gateway's OpenAPI documents: `node build/api.mjs <directory of buyer.json, …>`.
// A file that would say the same is left alone, so that nothing is checked or built anew for it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import openapiTS, { astToString } from 'openapi-typescript'

const documents = resolve(process.argv[2] ?? '../.local/web/openapi')

for (const audience of ['buyer']) {
  const document = JSON.parse(readFileSync(`${documents}/${audience}.json`, 'utf8'))
  const text = `// Made from the gateway's OpenAPI for ${audience}s; see build/api.mjs.\n${astToString(await openapiTS(document, { defaultNonNullable: false }))}`
  const file = `src/shared/api/${audience}.d.ts`
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text)
}
