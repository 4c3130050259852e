// The smoke page: bundles test/browser/smoke.ts and the worker prover.ts with the packed archive, serves both from this
// machine under a strict content policy, opens it in the installed Chromium and reports each check of the page. Says "not run" where no
// Chromium is installed: CHROMIUM_PATH, then the PATH, then the place where Debian installs it.
import { buildSync } from 'esbuild'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from '../../scripts/lib/root.mjs'

const POLICY = "default-src 'none'; script-src 'self'"
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const SECONDS_MAX = 60

const executablePath = findChromium()
if (executablePath === undefined) {
  console.log('browser: not run, no Chromium is installed (apt-get install chromium, or set CHROMIUM_PATH)')
  process.exit(0)
}
const { passed, failures } = await runPage(executablePath)
for (const failure of failures) console.error(`browser: ${failure}`)
if (failures.length > 0 || passed === 0) {
  console.error(`browser: ${passed} checks passed, ${failures.length} problems`)
  process.exit(1)
}
console.log(`browser: ${passed} checks of the packed core passed under "${POLICY}"`)

function findChromium() {
  const wanted = process.env.CHROMIUM_PATH
  if (wanted !== undefined && wanted !== '') {
    if (existsSync(wanted)) return wanted
    console.error(`browser: CHROMIUM_PATH names no file: ${wanted}`)
    process.exit(1)
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = folders.flatMap((folder) =>
    ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)),
  )
  return [...candidates, '/usr/bin/chromium'].find((candidate) => existsSync(candidate))
}

function bundle(name) {
  // Resolved from out/package, so that `vitalseal/...` is the unpacked archive as a user installs it.
  const entry = join(root, 'out/package', name)
  writeFileSync(entry, readFileSync(join(root, 'test/browser', name)))
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    tsconfigRaw: {},
  })
  return outputFiles[0].text
}

async function serve(scripts) {
  const page =
    '<!doctype html><meta charset="utf-8"><title>vitalseal</title><script type="module" src="/smoke.js"></script>'
  const files = {
    '/': ['text/html', page],
    '/smoke.js': ['text/javascript', scripts.smoke],
    '/prover.js': ['text/javascript', scripts.prover],
  }
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ''] ?? []
    const headers = { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' }
    response.writeHead(body === undefined ? 404 : 200, {
      ...headers,
      'content-type': `${type ?? 'text/plain'}; charset=utf-8`,
    })
    response.end(body ?? '')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function runPage(executablePath) {
  const server = await serve({ smoke: bundle('smoke.ts'), prover: bundle('prover.ts') })
  const profile = mkdtempSync(join(tmpdir(), 'vitalseal-browser-'))
  let context
  try {
    context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: FLAGS })
    const page = await context.newPage()
    const outcome = collect(page)
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    return await outcome
  } finally {
    await context?.close()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The page speaks through the console: `pass NAME`, `fail NAME: REASON`, `done`. Whatever else goes wrong is a failure. */
function collect(page) {
  return new Promise((resolve) => {
    let passed = 0
    const failures = []
    const finish = () => {
      clearTimeout(timer)
      resolve({ passed, failures })
    }
    const timer = setTimeout(() => {
      failures.push(`the page was not done within ${SECONDS_MAX} s`)
      finish()
    }, SECONDS_MAX * 1000)
    page.on('pageerror', (error) => {
      failures.push(`the page threw: ${error.message}`)
      finish()
    })
    page.on('console', (message) => {
      const text = message.text()
      if (text === 'done') finish()
      else if (text.startsWith('pass ')) passed += 1
      else if (text.startsWith('fail ')) failures.push(text)
      // The browser asks for a picture of its own accord.
      else if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) failures.push(text)
    })
  })
}
