-- Runs the programs of spec/proof against one emulator: lua5.4 spec/proof/run.lua BUILD [names].
-- `make proof` builds them first. FAST=1 lets memory fail at one point in seven.
-- Ends with 1 when one of them failed.
local emulators = require "topaz.emulator"

local build = arg[1] or "build"
local wanted = {}
for i = 2, #arg do wanted[arg[i]] = true end

local KEY = "SENTINEL-f3a9c27b-key"
local MISSING = "00000000-0000-4000-8000-000000000000"

-- a name with escapes takes a way of its own
local JOBS = { count = 10, status = "Completed", raw_fields = { ["a \"quote\""] = "1" } }

local emulator <close> = emulators.start { clock = "virtual", jobs = JOBS, key = KEY }
-- Deletions are answered and do nothing, so that every run finds the same.
emulator:fault { match = { kind = "delete_one" }, status = 204, times = math.huge }
emulator:fault { match = { kind = "delete_all" }, status = 200, body = '{"deleted_count":3}', times = math.huge }

local url = emulator.url
local complement = KEY:gsub(".", function(c) return ("%02x"):format(~c:byte() & 255) end)
local stride = (os.getenv "FAST" or "") ~= "" and 7 or 1

local function program(name) return ("%s/proof/%s"):format(build, name) end

local proofs = {
   { "memory", program "memory", "spec/proof/memory.lua", url, KEY, MISSING, stride },
   { "stall", "LD_PRELOAD=" .. program "slow_dns.so", program "host", "stall", "leave" },
   { "stall", "LD_PRELOAD=" .. program "slow_dns.so", program "host", "stall", "close" },
   { "fork", program "host", "fork", url, KEY },
   { "wipe", program "host", "wipe", url, complement },
   -- setarch: gcc's thread sanitizer does not know where newer kernels put things
   { "threads", "TSAN_OPTIONS=halt_on_error=0:exitcode=66", "setarch", "-R", build .. "/tsan/proof/threads",
      "spec/proof/threads.lua", url, KEY },
}

local failed, count = {}, 0
for _, proof in ipairs(proofs) do
   local name = table.remove(proof, 1)
   if not next(wanted) or wanted[name] then
      count = count + 1
      io.stdout:flush()
      if not os.execute(table.concat(proof, " ")) then failed[#failed + 1] = name end
   end
end

print(("%d proofs, %d failed%s"):format(count, #failed, #failed > 0 and ": " .. table.concat(failed, ", ") or ""))
emulator:stop()
os.exit(#failed == 0)
