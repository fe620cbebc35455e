-- Deductions of one credit, each with a request key of its own.
local users = os.getenv("BENCH_USERS")
local wallets = tonumber(os.getenv("BENCH_WALLETS"))
local run = os.getenv("BENCH_RUN")
local sent = 0

if os.getenv("BENCH_PAUSE_MS") ~= "0" then
  function delay()
    return tonumber(os.getenv("BENCH_PAUSE_MS"))
  end
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "ApiKey " .. os.getenv("BENCH_KEY")

function init(args)
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
end

function request()
  sent = sent + 1
  local body = '{"userId":"' .. users .. '_' .. math.random(0, wallets - 1)
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
