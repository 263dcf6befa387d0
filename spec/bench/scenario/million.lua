-- paginated = false with a million statuses: memory stays flat,
-- and the first status is there early.
local data = require "spec.bench.data"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "One array of a million statuses" }

local TEXT = [[
`paginated = false`: the whole account as one JSON array from nginx, every status counted and one member added
up. Peak memory is the largest resident size of the process by the system's accounting; CPU is of the whole
process. An idle client is a program that has loaded the module and made a client, and sends nothing. The peers
need the whole text before the first status; they run once.

The same over HTTP/2, while another task of the client reads single pages all the time, over a client that has read one
page over HTTP/2: what libcurl keeps of a stream that pauses counts as well.

The first status is also asked of a server that sends 64 kB and then only a trickle: it has to be there all the
same.]]

local PEERS = {
   ["LuaSocket + cjson"] = function(url) return peers.lua_program("array_luasocket.lua", url) end,
   ["Python requests"] = function(url, python) return { python, "spec/bench/peer/array_requests.py", url } end,
   ["Node fetch"] = function(url) return { "node", "spec/bench/peer/array_fetch.mjs", url } end,
}

local BESIDE, PAGE = "topaz, HTTP/2, pages beside", "one page, HTTP/2"

local function ours(name, url, how, expect, ca_file)
   return {
      name = name, kind = (how == "idle" or how == "page") and "floor" or "ours", expect = { all = expect },
      commands = { all = peers.lua_program("array.lua", url, how, ca_file) },
   }
end

local function all_ours(server, expect)
   local url, tls_url = server:url "array", server:tls_url "array"
   return {
      ours("topaz", url, "all", expect), ours("idle client", url, "idle"),
      ours("topaz, first status", server:url("array", "slow"), "first"),
      ours(BESIDE, tls_url, "beside", expect, server.ca_file), ours(PAGE, tls_url, "page", nil, server.ca_file),
   }
end

local function goals(by_name)
   local topaz, idle, early = by_name.topaz, by_name["idle client"], by_name["topaz, first status"]
   if not topaz then return nil end
   local function over_idle(entry, other)
      return (harness.member(entry.runs.all, "peak")) - (harness.member(other.runs.all, "peak"))
   end
   return {
      { "peak memory over an idle client, MiB", value = over_idle(topaz, idle), most = 8 },
      { BESIDE .. ", peak memory over one page, MiB", value = over_idle(by_name[BESIDE], by_name[PAGE]), most = 8 },
      { "seconds until the first status of a server that stalls after 64 kB",
         value = (harness.member(early.runs.all, "first_seconds")), most = 0.5 },
   }
end

function scenario.run(context)
   local count = context.quick and 20000 or 1000000
   context.progress "writing the array"
   local expect = data.write_array(context.server:folder "array", count)
   data.write_pages(context.server:folder "array", 1)
   local url = context.server:url "array"
   local entries, skipped = {}, {}
   if peers.topaz() then
      entries = all_ours(context.server, expect)
   else
      skipped[1] = "topaz (not built)"
   end
   local installed, missing = peers.installed()
   for _, peer in ipairs(installed) do
      if PEERS[peer.name] then
         entries[#entries + 1] = {
            name = peer.name, kind = "peer", repetitions = 1, expect = { all = expect },
            commands = { all = PEERS[peer.name](url, peer.program) },
         }
      end
   end
   for _, name in ipairs(missing) do
      if PEERS[name] then skipped[#skipped + 1] = name .. " (not installed)" end
   end
   harness.rotate(entries, context.quick and 1 or 3, context.progress)
   os.remove(context.server:folder "array" .. "/all.json")

   local rows, bars, by_name = {}, {}, {}
   for _, entry in ipairs(entries) do
      if entry.failed and entry.kind ~= "peer" then error(("%s: %s"):format(entry.name, entry.failed), 0) end
      if entry.failed then
         skipped[#skipped + 1] = ("%s (failed: %s)"):format(entry.name, entry.failed)
      else
         by_name[entry.name] = entry
         local runs = entry.runs.all
         local peak, low, high = harness.member(runs, "peak")
         local cpu, first = harness.member(runs, "cpu"), runs[1].values.first_seconds
         rows[#rows + 1] = {
            entry.name, peak, ("%.1f–%.1f"):format(low, high), (harness.member(runs, "wall")), cpu,
            entry.expect.all and cpu * 1e6 / count or "–",
            first and (harness.member(runs, "first_seconds")) * 1000 or "–",
         }
         if entry.name ~= "topaz, first status" then
            bars[#bars + 1] = { label = entry.name, value = peak, low = low, high = high, kind = entry.kind }
         end
      end
   end
   return {
      text = TEXT, rows = rows, goals = goals(by_name), skipped = skipped,
      columns = {
         ("%d statuses, %.0f MB"):format(count, expect.bytes / 1e6), "peak MiB", "least–largest", "wall s", "CPU s",
         "CPU µs/status", "first status, ms",
      },
      chart = { title = scenario.title, unit = "Peak memory in MiB; shorter is better", bars = bars, whole = true },
   }
end

return scenario
