--- Serves a request that meets a fault: its response, and whether the request takes effect.
-- (LuaJIT, inside nginx.)

local response = require "topaz.emulator.server.response"
local api = require "topaz.emulator.server.api"
local gzip = require "topaz.emulator.server.gzip"
local raw = require "topaz.emulator.server.raw"

local faulty = {}

-- Returns the writer of a body made of repeated parts, in pieces of 64 kB, and its length.
local function repeated(parts)
   local unit, count = parts.unit or " ", parts.count or -1
   local at_once = math.max(1, math.floor(65536 / math.max(1, #unit)))
   local block = unit:rep(at_once)
   return function(write)
      local connected = write(parts.prefix or "")
      local left = count < 0 and math.huge or count
      while connected and left > 0 do
         connected = write(left >= at_once and block or unit:rep(left))
         left = left - at_once
      end
      if connected then write(parts.suffix or "") end
   end, #(parts.prefix or "") + #unit * count + #(parts.suffix or "")
end

-- Returns the fault's response in place of the API's; nil: it does not replace the response.
local function substitute(fault)
   local status = fault.status or 200
   if fault.redirect then
      return { status = fault.status or 302, headers = { Location = fault.redirect }, body = "" }
   elseif fault.repeat_body then
      local body, length = repeated(fault.repeat_body)
      local headers = { ["Content-Length"] = fault.repeat_body.length and length or nil }
      return { status = status, body = body, headers = headers }
   elseif fault.gzip_bomb then
      return { status = status, body = gzip.bomb(fault.gzip_bomb), headers = { ["Content-Encoding"] = "gzip" } }
   elseif fault.body then
      return { status = status, body = fault.body }
   elseif fault.status == 204 then
      return { status = 204 }
   elseif fault.status then
      return api.failure(fault.status, "injected fault")
   elseif fault.raw or fault.endless_headers then
      return { status = status, body = "" }
   end
end

-- Applies the fault's changes to a response, the API's or the fault's.
local function bend(reply, fault)
   reply.headers = reply.headers or {}
   if fault.gzip_truncated or fault.gzip_corrupt then
      local packed = gzip.whole(api.whole(reply.body) or "")
      local half = math.floor(#packed / 2)
      reply.headers["Content-Encoding"] = "gzip"
      reply.body = packed:sub(1, half)
      if fault.gzip_corrupt then reply.body = reply.body .. ("\255"):rep(#packed - half) end
   end
   if fault.gzip_members or fault.gzip_trailing then
      local text, members = api.whole(reply.body) or "", fault.gzip_members or {}
      local at = members.at or #text
      reply.headers["Content-Encoding"] = "gzip"
      reply.body = gzip.whole(text:sub(1, at)) .. (at < #text and gzip.whole(text:sub(at + 1)) or "")
         .. (members.text and gzip.whole(members.text) or "") .. (fault.gzip_trailing or "")
   end
   if fault.big_header then reply.headers["X-Filler"] = ("a"):rep(fault.big_header) end
   for name, value in pairs(fault.headers or {}) do reply.headers[name] = value end
   return reply
end

--- Sends the response. `entry` is the log's entry of the request: it records the status of a
-- response that nginx does not send.
function faulty.serve(request, fault, entry)
   local drop = fault.drop or (fault.reset and not raw.wanted(fault) and "before")
   if drop == "before" then return raw.close(fault.reset) end
   local reply = substitute(fault)
   if not reply or fault.effect then
      local own = api.call(request, fault)
      reply = reply or own
   end
   if fault.delay_after then ngx.sleep(fault.delay_after) end
   if drop == "after" then return raw.close(fault.reset) end
   reply = bend(reply, fault)
   if not raw.wanted(fault) then return response.send(reply) end
   reply.body = api.whole(reply.body)
   entry.sent = fault.raw and tonumber(fault.raw:match("^HTTP/%S+ (%d+)") or 0) or reply.status
   return raw.send(reply, fault)
end

--- Adds to a fault what its short words for changed records stand for.
function faulty.prepare(fault)
   local edit = fault.record or {}
   local texts = edit.raw_fields or {}
   if fault.nulls then
      texts.source_id, texts.options_json = "null", "null"
   end
   if fault.extra_members then
      texts.extra_text, texts.extra_tree = '"new"', '{"list":[1,2.5,{"deep":null}],"flag":true}'
   end
   if fault.floats then edit.floats = true end
   if next(texts) then edit.raw_fields = texts end
   if next(edit) then fault.edit = edit end
   return fault
end

return faulty
