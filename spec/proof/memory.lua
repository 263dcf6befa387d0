-- The scenario of memory.c: everything a client can do, each step asked again with the same objects
-- when it failed. Gets the emulator's URL and key and the id of a status that does not exist;
-- the emulator is prepared by run.lua.
local url, key, missing = ...

local scenario = {} -- load, run, is_clean; defect: what failed twice
local topaz, client

-- What a lack of memory may look like. `network` and `timeout`: libcurl could not do its work.
local CLEAN = { too_large = true, network = true, timeout = true, protocol = true }

function scenario.is_clean(err)
   if type(err) == "table" then return CLEAN[err.kind] == true end
   err = tostring(err)
   return err:find("memory", 1, true) ~= nil or err:find("could not be started", 1, true) ~= nil
      or err == "error in error handling"
end

-- f(...), and once more if it fails, by an error or by nil and an error object.
local function again(name, f, ...)
   local ok, a, b = pcall(f, ...)
   if ok and not (a == nil and b) then return a, b end
   if not scenario.is_clean(not ok and a or b) then
      scenario.defect = name .. " failed with: " .. tostring(not ok and a or b)
   end
   ok, a, b = pcall(f, ...)
   if ok and not (a == nil and b) then return a, b end
   local err = not ok and a or b
   scenario.defect = name .. " failed twice, the second time with: " .. tostring(err)
   error(err, 0)
end

local function expect(name, got, wanted)
   if got == wanted then return end
   scenario.defect = ("%s: %s instead of %s"):format(name, tostring(got), tostring(wanted))
   error("not enough memory to go on", 0)
end

local function read(cursor, most)
   local ids = {}
   while #ids < (most or math.huge) do
      local status = again("cursor", cursor)
      if not status then break end
      ids[#ids + 1] = status.process_id
   end
   return ids
end

local function lists()
   local ids = read(again("statuses", client.statuses, client, { limit = 4 }))
   expect("list", #ids, 10)
   local seen = {}
   for _, id in ipairs(ids) do
      expect("list, twice " .. id, seen[id], nil)
      seen[id] = true
   end
   local cursor <close> = again("statuses", client.statuses, client,
      { limit = 4, fields = { "status" }, where = { status = { "Completed", "Failed" } } })
   expect("first", read(cursor, 5)[5], ids[5])
   local token = again("token", cursor.token, cursor)
   expect("rest", table.concat(read(again("resume", client.statuses, client, { resume = token })), " "),
      table.concat(ids, " ", 6))
   expect("array", #read(again("array", client.statuses, client, { paginated = false })), 10)
   return ids
end

local function single(ids)
   local request = again("start", client.start, client, "get_page", { limit = 10 })
   local ok, page, err = pcall(request.result, request)
   if not (ok and page) then -- what was read in part may be lost: then it says so when asked again
      if not scenario.is_clean(ok and err or page) then scenario.defect = "result: " .. tostring(ok and err or page) end
      page, err = request:result()
      if err and not scenario.is_clean(err) then scenario.defect = "result, again: " .. tostring(err) end
   end
   if page then expect("page", #page.data, 10) end
   expect("status", again("get_status", client.get_status, client, ids[1]).process_id, ids[1])
   expect("missing", again("missing", function()
      local status, failure = client:get_status(missing)
      if status or failure.kind ~= "not_found" then return status, failure end
      return tostring(failure):match "%((.-), attempts"
   end), "not_found, HTTP 404")
   expect("misuse", again("misuse", function()
      local well, failure = pcall(client.get_status, client, "no id")
      if not well and failure:find "expected a UUID" then return "refused" end
      return nil, failure
   end), "refused")
   expect("delete", again("delete", client.delete_status, client, ids[2]), true)
   local count, note = again("delete_all", client.delete_all_statuses, client)
   if note ~= "count_unknown" then expect("delete_all", count, 3) end
end

local function waits(ids)
   expect("wait", again("wait", client.wait_until_done, client, ids[1]).status, "Completed")
   local all = again("wait_all", client.wait_all, client, { ids[1], ids[2], ids[3] })
   expect("wait_all", all[ids[3]].process_id, ids[3])
   expect("sleep", again("sleep", client.sleep, client, 0.0005), true)
end

local function tasks(ids)
   local function get(id)
      client:sleep(0.0001)
      return client:get_status(id)
   end
   local list = {}
   for i = 1, 3 do list[i] = again("spawn", client.spawn, client, get, ids[i]) end
   local steps = 0
   repeat
      local all = true
      pcall(client.step, client, 0.01)
      for i = 1, 3 do all = all and list[i]:done() end
      steps = steps + 1
   until all or steps > 300
   for i = 1, 3 do
      expect("task " .. i .. " ended", list[i]:done(), true)
      local ok, status, err = pcall(list[i].result, list[i])
      if ok and status then expect("task", status.process_id, ids[i])
      elseif not scenario.is_clean(ok and err or status) then
         scenario.defect = "task: " .. tostring(ok and err or status)
      end
   end
end

-- A request by hand, over a channel.
local function channels()
   local host, port = url:match "//([^:/]+):(%d+)"
   expect("channel", again("channel", function()
      local text, channel = "", nil
      local options = { host = host, port = math.tointeger(tonumber(port)), connect_timeout = 0.3 }
      channel = topaz.core.channel(client, options, function() text = text .. channel:receive() end)
      local closing <close> = channel -- luacheck: ignore 211
      channel:send "GET / HTTP/1.0\r\n\r\n"
      channel:expect(0.3)
      local ends = topaz.core.now() + 3
      repeat client:step(0.1) until channel:state() == "lost" or topaz.core.now() > ends
      if text ~= "" then return text:sub(1, 7) end
      return nil, { kind = select(2, channel:state()) }
   end), "HTTP/1.")
end

function scenario.load()
   topaz = require "topaz"
   require "topaz.watch"
end

-- Leaves the client as it is when it fails, so that it can be asked again.
function scenario.run()
   if not client then
      client = again("client", topaz.client,
         { api_key = key, base_url = url, max_retries = 1, retry_base = 0.0005, retry_cap = 0.001,
            -- libcurl may forget a socket for want of memory: then time ends it
            connect_timeout = 0.3, attempt_timeout = 0.3,
            on_event = function() end })
   end
   local ids = lists()
   single(ids)
   waits(ids)
   tasks(ids)
   channels()
   local closing = client
   again("close", closing.close, closing)
   client = nil
   local ok, err = pcall(closing.get_page, closing)
   if not ok and type(err) == "table" then expect("closed", err.kind, "closed") end
   return table.concat(ids, " "):sub(1, 100)
end

return scenario
