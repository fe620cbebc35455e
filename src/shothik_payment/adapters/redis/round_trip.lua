-- One round trip for all that a process has to ask and to tell.
--
-- KEYS: of the answers to keep, then of those to find, then of the windows to count in.
-- ARGV: how many to keep, how many to find, for how many seconds to keep; the answers to keep;
--   then for each window: the limit, the window and a slice of it in ms, how many requests ask.
-- Returns the answers found (nil: none), then for each window: how many of the requests are
--   allowed, how many had been counted before, and in how many ms the oldest slice is out.

local keep, find = tonumber(ARGV[1]), tonumber(ARGV[2])
local reply = {}

for i = 1, keep do
    redis.call('SET', KEYS[i], ARGV[3 + i], 'EX', ARGV[3])
end
-- What somebody else left under a key is nothing to us, and must not spoil the others' answers.
local function value_of(key)
    local value = redis.pcall('GET', key)
    return type(value) == 'string' and value
end

for i = 1, find do
    reply[i] = value_of(KEYS[keep + i])
end

-- A window is a list of slices, oldest first: start, requests, start, requests. A slice begins
-- with the first request that no other one covers, and counts until its last moment has left the
-- window. So no window sees more than the limit, and there are never more slices than fit into
-- one, and two.

local function slices_of(key, now)
    local packed = value_of(key)
    local readable, slices = pcall(cmsgpack.unpack, packed or '')
    if not readable or type(slices) ~= 'table' then
        slices = {}
    end
    local ahead = #slices > 0 and slices[#slices - 1] - now or 0
    if ahead > 0 then -- the clock was set back: what was counted is as old as it was
        for i = 1, #slices, 2 do
            slices[i] = slices[i] - ahead
        end
    end
    return slices, ahead > 0
end

local function count(key, limit, window, slice, asked, now)
    local stored, changed = slices_of(key, now)
    local slices, before = {}, 0
    for i = 1, #stored, 2 do
        if stored[i] + slice + window > now then
            slices[#slices + 1] = stored[i]
            slices[#slices + 1] = stored[i + 1]
            before = before + stored[i + 1]
        end
    end
    local allowed = math.max(0, math.min(asked, limit - before))
    if allowed > 0 then
        if #slices > 0 and now < slices[#slices - 1] + slice then
            slices[#slices] = slices[#slices] + allowed
        else
            slices[#slices + 1] = now
            slices[#slices + 1] = allowed
        end
    end
    if allowed > 0 or changed then
        local lives = slices[#slices - 1] + slice + window - now
        redis.call('SET', key, cmsgpack.pack(slices), 'PX', lives)
    end
    return {allowed, before, (slices[1] or now) + slice + window - now}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local argument = 3 + keep
for i = keep + find + 1, #KEYS do
    reply[i - keep] = count(KEYS[i], tonumber(ARGV[argument + 1]), tonumber(ARGV[argument + 2]),
        tonumber(ARGV[argument + 3]), tonumber(ARGV[argument + 4]), now)
    argument = argument + 4
end
return reply
