-- The demo: the main job on the emulator of the API, in less than half a minute and without a key.
-- Run it with `make demo`.
package.path = "./lua/?.lua;./lua/?/init.lua;./?.lua;./?/init.lua;" .. package.path

local topaz = require "topaz"
local emulators = require "spec.emulator"

local is_terminal = os.execute("test -t 1") and true or false
local plain = not is_terminal or (os.getenv "NO_COLOR" or "") ~= ""

local function paint(code, text) return plain and text or ("\27[" .. code .. "m" .. text .. "\27[0m") end

local function heading(text) print("\n" .. paint("1", "== " .. text)) end

local function bar(percent, width)
   local filled = math.floor(percent / 100 * width + 0.5)
   return "[" .. ("#"):rep(filled) .. ("."):rep(width - filled) .. ("] %3.0f %%"):format(percent)
end

local COLOURS = { Completed = "32", Failed = "31", Cancelled = "33", Processing = "36", Pending = "2" }

-- Counts by status word over one listing.
local function count(client)
   local counts, total = {}, 0
   for status in client:statuses { fields = { "process_id", "status" } } do
      counts[status.status] = (counts[status.status] or 0) + 1
      total = total + 1
   end
   return counts, total
end

local function count_line(counts)
   local parts = {}
   for _, word in ipairs { "Pending", "Processing", "Completed", "Failed", "Cancelled" } do
      if counts[word] then parts[#parts + 1] = paint(COLOURS[word], ("%s %d"):format(word, counts[word])) end
   end
   return table.concat(parts, "  ")
end

local function list(client)
   heading "The list: page after page, as one loop"
   local shown, total = 0, 0
   for status in client:statuses { limit = 10 } do
      total = total + 1
      if shown < 5 then
         shown = shown + 1
         print(("  %s  %-28s %s  %s"):format(status.process_id, status.filename,
            paint(COLOURS[status.status] or "0", ("%-10s"):format(status.status)), status.model))
      end
   end
   print(("  … %d statuses in %d requests"):format(total, client:stats().calls))
end

local function wait_for_one(client, process_id)
   heading("Waiting for " .. process_id)
   local polls_before = client:stats().calls
   local status, err = client:wait_until_done(process_id, {
      timeout = 60,
      on_progress = function(now)
         local line = ("  %s  %-10s"):format(bar(now.progress or 0, 30), now.status)
         if is_terminal then io.write("\r", line); io.flush() else print(line) end
      end,
   })
   if is_terminal then print() end
   if not status then return print("  " .. tostring(err)) end
   print(("  %s after %d polls"):format(paint(COLOURS[status.status], status.status), client:stats().calls - polls_before))
end

local function follow_all(client, total)
   heading "All of them, until the last has ended"
   local last
   repeat
      local counts = count(client)
      local done = (counts.Completed or 0) + (counts.Failed or 0) + (counts.Cancelled or 0)
      local line = ("  %s  %s"):format(bar(100 * done / total, 24), count_line(counts))
      if is_terminal then
         io.write("\r\27[K", line); io.flush()
      elseif line ~= last then
         print(line)
      end
      last = line
      if done < total then client:sleep(0.5) end
   until done == total
   if is_terminal then print() end
end

local function show_errors(client)
   heading "Errors, as one meets them"
   local _, err = client:get_status "00000000-0000-4000-8000-000000000000"
   print("  nil, err:  " .. tostring(err))
   print(("             err.kind = %q, err.http_status = %d"):format(err.kind, err.http_status))
   local ok, misuse = pcall(client.get_status, client, "../status")
   assert(not ok)
   print("  raised:    " .. tostring(misuse))
end

local function clean_up(client)
   heading "Cleaning up"
   local done = {}
   for status in client:statuses { where = { status = "Failed" } } do done[#done + 1] = status.process_id end
   for _, process_id in ipairs(done) do assert(client:delete_status(process_id)) end
   print(("  %d failed ones deleted one by one"):format(#done))
   local deleted = assert(client:delete_all_statuses())
   print(("  %d others deleted at once; %d are left"):format(deleted, select(2, count(client))))
end

local function production_hint()
   heading "Against the real API"
   if (os.getenv "TOPAZ_API_KEY" or "") ~= "" then
      print "  TOPAZ_API_KEY is set. The read-only parts run against the production URL with:"
   else
      print "  With a key in TOPAZ_API_KEY, the read-only parts run against the production URL with:"
   end
   print [[    lua5.4 -e 'for s in require("topaz").client():statuses() do print(s.process_id, s.status, s.progress) end']]
   print "  (after `make install` or `luarocks make`; in the checkout, LUA_PATH and LUA_CPATH as `make demo` sets them)"
end

local function main()
   local began = os.time()
   local emulator <close> = emulators.start {
      clock = "real", latency = 0.02,
      jobs = { { count = 24, timeline = { pending = { 0.5, 4 }, processing = { 3, 9 }, outcome = {
         "Completed", "Completed", "Completed", "Failed", "Completed", "Completed", "Completed", "Cancelled" } } } },
   }
   print(paint("1", "topaz " .. topaz.version) .. " on libcurl " .. topaz.core.libcurl.version
      .. ", against an emulator of the API at " .. emulator.url)
   local client <close> = topaz.client { api_key = emulator.key, base_url = emulator.url }
   list(client)
   wait_for_one(client, emulator.ids[11])
   follow_all(client, 24)
   show_errors(client)
   clean_up(client)
   local stats = client:stats()
   heading "What it took"
   print(("  %d calls, %d attempts, %d connection(s), %d kB, %d s"):format(stats.calls, stats.attempts, stats.connections,
      stats.bytes // 1000, os.time() - began))
   production_hint()
end

main()
