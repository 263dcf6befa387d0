-- A call or an iteration over the script that the input is, after its first byte;
-- see fake_transport.h. What must hold: no answer makes anything raise but an error object;
-- no DELETE goes out more often than its table of retries allows; success has the right answer
-- behind it; and whether an answer comes whole or in pieces makes no difference.
--
-- Where the script begins with the plan of a finalizer (finalizer.lua), that is run once,
-- with the plan's methods called meanwhile: then it is enough that nothing is raised but error
-- objects and misuse, that nothing stays pending, and that no URL is another one.
local cjson = require "cjson"
local finalizer = dofile "spec/fuzz/finalizer.lua"
require "topaz"

local KEY, RETRIES = "SENTINEL-KEY-1", 2
local ID = "00000000-0000-4000-8000-000000000001"

local KINDS = {}
for kind in ([[bad_request unauthorized forbidden not_found conflict rate_limited server_error unexpected_status
   timeout network tls protocol too_large cancelled closed]]):gmatch "%S+" do
   KINDS[kind] = true
end

local live = {} -- what a finalizer may find
local disturbed = false

local function check(ok, why) if not ok then error(why, 2) end end

-- Errors that are texts: misuse, and what may not be done inside itself.
local ALLOWED = {
   "bad argument", "inside itself", "the task still runs", "a task cannot await itself", "cannot yield here",
   "was called in a task", "another task is waiting in", "attempt to yield", "attempt to compare two nil",
   "invalid key to 'next'",
}

local function check_text(err)
   for _, pattern in ipairs(ALLOWED) do
      if tostring(err):find(pattern) then return end
   end
   error("no error object: " .. tostring(err), 2)
end

local function check_error(err)
   if disturbed and type(err) == "string" then return check_text(err) end
   check(type(err) == "table" and KINDS[err.kind], "no error object: " .. tostring(err))
   local text = tostring(err)
   for i = 1, #KEY - 7 do check(not text:find(KEY:sub(i, i + 7), 1, true), "a part of the key is in an error") end
   check(not text:find "%c", "a control byte is in an error")
end

-- One outcome as a text, for comparing.
local function outcome(first, second)
   if first == nil then
      check_error(second)
      if type(second) == "string" then return second end
      return ("%s %s %s %s"):format(second.kind, second.http_status, second.attempts, second.outcome)
   end
   return tostring(second or "ok")
end

local function same_record(ours, theirs)
   check(type(ours) == "table", "no record")
   for name, value in pairs(theirs) do
      if value ~= cjson.null and type(value) ~= "table" then
         check(ours[name] == value, "another record than was sent")
      end
   end
end

local function last_body()
   local all = log()
   return cjson.decode(all[#all].body)
end

local function read_list(client, options)
   local ids, seen, errors = {}, 0, 0
   live.options = options
   local cursor <close> = client:statuses(options)
   live.cursor = cursor
   while errors < 3 do
      local ok, status = pcall(cursor)
      if not ok then
         check_error(status)
         errors = errors + 1
         ids[#ids + 1] = "!" .. tostring(status.kind)
      elseif status == nil then
         break
      else
         check(type(status.process_id) == "string" and type(status.status) == "string", "no status")
         seen = seen + 1
         ids[#ids + 1] = status.process_id
      end
      check(seen < 10000, "no end")
   end
   local token = cursor:token()
   check(client:statuses { resume = token }:token() == token, "the token does not lead to where it was made")
   return table.concat(ids, "\n")
end

local calls = {
   function(client) return read_list(client, { limit = 10 }) end,
   function(client) return read_list(client, { prefetch = 0 }) end,
   function(client) return read_list(client, { paginated = false, prefetch = 0 }) end,
   function(client)
      return read_list(client, { prefetch = 0, fields = { "status" }, where = { status = "Completed" } })
   end,
   function(client)
      local page, err = client:get_page { limit = 7 }
      if page then
         local sent = last_body()
         check(#page.data == #(sent.data or sent), "another number of records than was sent")
         for i, record in ipairs(sent.data or sent) do same_record(page.data[i], record) end
      end
      return outcome(page, err)
   end,
   function(client)
      local status, err = client:get_status(ID)
      if status then same_record(status, last_body()) end
      return outcome(status, err)
   end,
   function(client) return outcome(client:delete_status(ID)) end,
   function(client)
      local count, err = client:delete_all_statuses()
      if math.type(count) == "integer" then check(count == last_body().deleted_count, "another count than was sent") end
      return outcome(count, err)
   end,
}
local PREFETCHES, DELETE_ONE, DELETE_ALL = 1, 7, 8

local passing = { [408] = true, [425] = true, [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }
for status = 520, 524 do passing[status] = true end

-- Whether another attempt may follow this one.
local function may_repeat(which, attempt)
   if not attempt.sent then return true end
   local status = attempt.http_status
   if which == DELETE_ALL then return status == 429 end
   if which == DELETE_ONE and status >= 200 and status < 300 then return false end
   return status < 300 or passing[status]
end

local function check_log(which)
   local all = log()
   local single = which > 4
   check(not single or #all <= RETRIES + 1, "more attempts than were allowed")
   for i, attempt in ipairs(all) do
      check(attempt.method == (which >= DELETE_ONE and "DELETE" or "GET"), "another method")
      check(attempt.url:find "^http://127%.0%.0%.1:1/status", "another URL")
      check(not single or i == #all or may_repeat(which, attempt), "sent again although it must not be")
   end
   return all
end

local function run(which, script, seed)
   play(script, seed)
   local client <close> = core.client {
      api_key = KEY, base_url = "http://127.0.0.1:1", retry_base = 0, max_retries = RETRIES, timeout = 1000,
      max_bytes = 65536,
   }
   local got = calls[which](client)
   return got, check_log(which)
end

-- The same with a finalizer. What the deeds ask for goes along the script too.
local function run_disturbed(which, plan, script, seed)
   play(script, seed)
   local function new()
      return core.client {
         api_key = KEY, base_url = "http://127.0.0.1:1", retry_base = 0, max_retries = 1, timeout = 100,
         max_bytes = 65536, on_event = function() return {} end,
      }
   end
   local client <close> = new()
   local other <close> = new()
   live = { client = client, other = other, request = client:start "get_page" }
   live.task = client:spawn(function()
      client:sleep(0.001)
      return client:get_status(ID)
   end)
   disturbed = true
   local done = finalizer.arm(plan, live)
   local ok, err = pcall(calls[which], client)
   local errors = done()
   errors[#errors + 1] = not ok and err or nil
   for _, each in ipairs(errors) do check_error(each) end
   for _, each in ipairs { client, other } do
      local left = 1
      for _ = 1, 1000 do
         if left == 0 or not core.is_open(each) then break end
         ok, left, err = pcall(each.step, each, 200)
         if not ok then
            check_error(left)
            left = 1
         elseif left == 0 and err > 0 then left = err end
      end
      check(left == 0 or not core.is_open(each), "something stays pending, or a task never ends")
   end
   for _, attempt in ipairs(log()) do check(attempt.url:find "^http://127%.0%.0%.1:1/status", "another URL") end
   live, disturbed = {}, false
end

return function(bytes)
   local mode, script = bytes:byte(), bytes:sub(2)
   local which = 1 + mode % #calls
   local plan
   plan, script = finalizer.take(script)
   if plan then return run_disturbed(which, plan, script, mode // #calls % 2 * 2654435761) end
   local pieces, all = run(which, script, 1 + mode * 2654435761)
   -- Where the next page is fetched ahead, the answers of the script go to other requests.
   -- A broken connection may come before or behind what is wrong in the body.
   -- In both cases two outcomes are right.
   if which == PREFETCHES then return end
   for _, attempt in ipairs(all) do
      if attempt.ending:find "[lptbw]" then return end
   end
   local whole = run(which, script, 0)
   check(whole == pieces, "in pieces: " .. pieces .. "; whole: " .. whole)
end
