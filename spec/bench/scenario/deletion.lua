-- Deleting finished statuses from a server that is 50 ms away: one by one, and by delete_finished.
local emulators = require "topaz.emulator"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "Deleting finished statuses, 50 ms latency" }

local LATENCY = 0.05 -- seconds, before each answer

local TEXT = [[
The emulator answers each request 50 ms late. One by one is `client:delete_status` in a loop over ids that are
known, over one connection: all of them are deleted and timed, nothing is scaled up. `delete_finished`
is timed with all that it does: reading the list while deleting, reading it again at the end, opening its
connections, over HTTP/2 also the TLS handshake. The server ends a connection after 1,000 requests, as nginx does
unless told otherwise: over HTTP/2 by GOAWAY, in the middle of a run. Each run begins with fresh statuses;
afterwards the server must have none left and have seen exactly one DELETE for each. Wall time, median of interleaved
repetitions; one by one runs once. CPU is of the whole process.]]

local WAYS = {
   { name = "one by one", kind = "peer", how = "one", once = true, http2 = 0 },
   { name = "delete_finished, HTTP/1.1, 8 connections", kind = "ours", how = "all", connections = 8,
      http2 = 0, least = 7 },
   { name = "delete_finished, HTTP/2 over TLS", kind = "ours", how = "all", tls = true,
      http2 = 1, least = 40 },
}

-- What must not be otherwise after a run; raises when it is.
local function check(emulator, way, run, count)
   local seen, left = emulator:counts(), #emulator:jobs()
   local function must(what, found, expected)
      if found ~= expected then error(("%s: %s is %s, not %s"):format(way.name, what, found, expected), 0) end
   end
   must("statuses deleted", run.values.count, count)
   must("statuses left", left, 0)
   must("DELETE requests", seen.kinds.delete_one, count)
   must("HTTP/2", run.values.http2, way.http2)
   if way.connections and count >= 100 then must("connections", seen.connections, way.connections) end
   if way.tls and count >= 1000 and seen.connections < 2 then error(way.name .. ": no GOAWAY came", 0) end
end

local function measure(emulator, way, count)
   emulator:reset()
   emulator:add_jobs { count = count, status = "Completed" }
   local url, ca_file = way.tls and emulator.tls_url or emulator.url, way.tls and emulator.ca_file or nil
   local run, why = harness.run(peers.lua_program("delete.lua", url, emulator.key, way.how, ca_file))
   if not run then error(way.name .. ": " .. why, 0) end
   check(emulator, way, run, count)
   return run
end

function scenario.run(context)
   if not peers.topaz() then return nil, "topaz is not built" end
   if not context.server.has_latency then return nil, "nginx has no Lua module here" end
   local count, repetitions = context.quick and 100 or 1000, context.quick and 1 or 9
   local emulator <close> = emulators.start { tls = true, latency = LATENCY }
   local runs = {}
   for repetition = 1, repetitions do
      for i, way in ipairs(WAYS) do
         runs[i] = runs[i] or {}
         if repetition == 1 or not way.once then
            context.progress(("%d/%d %s"):format(repetition, repetitions, way.name))
            table.insert(runs[i], measure(emulator, way, count))
         end
      end
   end

   local rows, bars, goals, slow = {}, {}, {}, nil
   for i, way in ipairs(WAYS) do
      local seconds, low, high = harness.member(runs[i], "seconds")
      slow = slow or seconds
      rows[i] = {
         way.name, seconds, ("%.2f–%.2f"):format(low, high), ("%.1f"):format(slow / seconds), count / seconds,
         (harness.member(runs[i], "cpu")), tostring(#runs[i]),
      }
      bars[i] = { label = way.name, value = seconds, low = low, high = high, kind = way.kind }
      if way.least then -- of few statuses the list and the handshake are the larger part
         local value = not context.quick and slow / seconds or nil
         goals[#goals + 1] = { way.name .. ", times faster", value = value, least = way.least }
      end
   end
   return {
      text = TEXT, rows = rows, goals = goals,
      columns = { count .. " statuses", "wall s", "least–largest", "× faster", "statuses/s", "CPU s", "runs" },
      chart = {
         title = scenario.title, bars = bars,
         unit = ("Wall time to delete %d statuses in s, median; shorter is better"):format(count),
      },
   }
end

return scenario
