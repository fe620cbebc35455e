-- Deductions of one credit, each with a request key of its own; or, where BENCH_READ is a path, GETs
-- of it with a user in the place of {}.
local users = os.getenv("BENCH_USERS")
local wallets = tonumber(os.getenv("BENCH_WALLETS"))
local run = os.getenv("BENCH_RUN")
local before, after = os.getenv("BENCH_READ"):match("^(.*){}(.*)$")
local sent = 0

if os.getenv("BENCH_PAUSE_MS") ~= "0" then
  function delay()
    return tonumber(os.getenv("BENCH_PAUSE_MS"))
  end
end

if not before then
  wrk.headers["Content-Type"] = "application/json"
end
wrk.headers["Authorization"] = "ApiKey " .. os.getenv("BENCH_KEY")

function init(args)
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
end

function request()
  local user = users .. "_" .. math.random(0, wallets - 1)
  if before then
    return wrk.format("GET", before .. user .. after)
  end
  sent = sent + 1
  local body = '{"userId":"' .. user
    .. '","amount":1,"service":"paraphrase_service","feature":"text_paraphrase","requestId":"'
    .. run .. "-" .. sent .. '"}'
  return wrk.format("POST", nil, nil, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
