--- The four calls of the API, exactly as spec/contract/image-status.openapi.json has them. A call
-- gets a request and returns a response { status, body?, headers? }; it sends nothing. `body` is a
-- text, or a function that calls its argument with one piece after another. (LuaJIT, inside nginx.)
--
-- Its rules (a UUID, the limits, seven days) are its own, not the core's: nginx has no topaz.core,
-- and a server that shared them would agree with any mistake in the client.

local cjson = require "cjson"
local clock = require "topaz.emulator.server.clock"
local jobs = require "topaz.emulator.server.jobs"
local record = require "topaz.emulator.server.record"

local api = {}

local WEEK = 7 * 86400
local PREFIX = "/image/v1"
local STREAM_FROM = 2000 -- a longer array is sent piece by piece
local PIECE = 64 * 1024

local key, forbidden_key

function api.init(settings)
   key, forbidden_key = settings.key, settings.forbidden_key
end

function api.failure(status, message, headers)
   return { status = status, headers = headers,
      body = ('{"code":%d,"message":%s}'):format(status, cjson.encode(message)) }
end
local failure = api.failure

--- Returns what a request is for: { method, path, kind, id? }. Reads the path as it was sent,
-- before nginx normalizes it.
function api.read(method, uri)
   local path = uri:match("^[^?#]*")
   local request = { method = method, path = path, kind = "other" }
   if path:sub(1, #PREFIX) ~= PREFIX then return request end
   local rest = path:sub(#PREFIX + 1)
   local id = rest:match("^/status/([^/]+)$")
   if id then
      request.id, request.resource = ngx.unescape_uri(id), "one"
      request.kind = method == "GET" and "one" or method == "DELETE" and "delete_one" or "other"
   elseif rest == "/status" then
      request.resource = "all"
      request.kind = method == "GET" and "list" or method == "DELETE" and "delete_all" or "other"
   end
   return request
end

local function is_uuid(text)
   return #text == 36 and text:gsub("%x", "x") == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
end

local function page_body(texts, pagination, shape)
   local data = '"data":[' .. table.concat(texts, ",") .. "]"
   if shape.extra_members then data = '"extra":{"data":[],"pagination":null},' .. data end
   if shape.pagination_first then return "{" .. pagination .. "," .. data .. "}" end
   return "{" .. data .. "," .. pagination .. "}"
end

-- Returns the cursor that a fault with a loop gives in place of `cursor`: it repeats the cursors of
-- the first `period` pages.
local function looped(fault, cursor)
   local handed, period = fault.handed or {}, fault.cursor_loop == true and 1 or fault.cursor_loop
   fault.handed, fault.turn = handed, (fault.turn or 0) + 1
   if #handed < period then handed[#handed + 1] = cursor or jobs.cursor(0, 0) end
   return handed[(fault.turn - 1) % period + 1]
end

local function pagination_text(shape, cursor)
   if shape.cursor_loop then cursor = looped(shape, cursor) end
   if shape.has_next_without_cursor then
      return '"pagination":{"has_next_page":true' ..
         (shape.has_next_without_cursor == "empty" and ',"next_cursor":""}' or "}")
   end
   if not cursor then
      return '"pagination":{' .. (shape.nulls and '"next_cursor":null,' or "") .. '"has_next_page":false}'
   end
   return '"pagination":{"next_cursor":"' .. cursor .. '","has_next_page":true}'
end

-- Returns the number in a query argument; nil: it has none.
local function whole_number(text)
   return type(text) == "string" and #text <= 9 and text:find("^%d+$") and tonumber(text) or nil
end

local function get_page(args, shape)
   local limit = 50
   if args.limit ~= nil then
      limit = whole_number(args.limit)
      if not limit or limit < 1 or limit > 100 then
         return failure(400, "limit must be an integer from 1 to 100")
      end
   end
   local place
   if args.cursor ~= nil then
      place = type(args.cursor) == "string" and jobs.place(args.cursor)
      if not place then return failure(400, "cursor is not one that this service has handed out") end
   end
   local now, texts, last, more = clock.now(), {}, nil, false
   if shape.empty_page then
      local at = place or { created = 2 ^ 52, number = 0 }
      return { status = 200, body = page_body({}, pagination_text(shape, jobs.cursor(at.created, at.number)), shape) }
   end
   for job in jobs.newest_first(now, place) do
      if #texts == limit then
         more = true
         break
      end
      texts[#texts + 1], last = record.text(job, now, shape.edit), job
   end
   local cursor = more and jobs.cursor(last.created, last.seq) or nil
   return { status = 200, body = page_body(texts, pagination_text(shape, cursor), shape) }
end

-- Returns all jobs of the last week as one array, between `head` and `tail`.
local function get_array(shape, head, tail)
   local now = clock.now()
   local found = {}
   for job in jobs.newest_first(now) do
      if job.created < now - WEEK then break end
      found[#found + 1] = job
   end
   local function pieces(write)
      local held, size = { head }, 0
      for i, job in ipairs(found) do
         local text = record.text(job, now, shape.edit)
         held[#held + 1] = text
         held[#held + 1] = i < #found and "," or ""
         size = size + #text + 1
         if size >= PIECE then
            write(table.concat(held))
            held, size = {}, 0
         end
      end
      held[#held + 1] = tail
      write(table.concat(held))
   end
   if #found > STREAM_FROM then return { status = 200, body = pieces } end
   return { status = 200, body = api.whole(pieces) }
end

--- Returns a body as one text.
function api.whole(body)
   if type(body) ~= "function" then return body end
   local all = {}
   body(function(piece) all[#all + 1] = piece end)
   return table.concat(all)
end

local function get_list(args, shape)
   local paginated = args.paginated
   if paginated ~= nil and paginated ~= "true" and paginated ~= "false" then
      return failure(400, "paginated must be true or false")
   end
   local as_page = paginated == "true"
   if shape.list_shape == "array" then return get_array(shape, "[", "]") end
   if shape.list_shape == "page" and not as_page then
      return get_array(shape, '{"data":[', '],"pagination":{"has_next_page":false}}')
   end
   if as_page then return get_page(args, shape) end
   return get_array(shape, "[", "]")
end

local function delete_all()
   local now, found = clock.now(), {}
   for job in jobs.newest_first(now) do found[#found + 1] = job end
   for _, job in ipairs(found) do jobs.delete(job) end
   return { status = 200, body = ('{"deleted_count":%d}'):format(#found) }
end

local function one(request, shape)
   if not is_uuid(request.id) then return failure(400, "process_id must be a UUID") end
   local now = clock.now()
   local job = jobs.find(request.id, now)
   if not job then return failure(404, "no job with this process_id") end
   if request.kind == "one" then return { status = 200, body = record.text(job, now, shape.edit) } end
   local status = record.state(job, now)
   if status == "Pending" or status == "Processing" then
      return failure(409, "the job is " .. status .. "; only a finished job's status can be deleted")
   end
   jobs.delete(job)
   return { status = 204 }
end

--- Returns the response to one request, which takes effect. `shape`, a fault or an empty table,
-- changes the response.
function api.call(request, shape)
   local given = ngx.req.get_headers(0)["x-api-key"]
   if not request.resource then return failure(404, "no such path") end
   if given == forbidden_key then return failure(403, "this API key does not have the permission for this request") end
   if given ~= key then
      return failure(401, given and "this API key is not known" or "the header X-API-Key is missing")
   end
   if request.kind == "other" then
      return failure(405, "this method is not allowed here", { Allow = "GET, DELETE" })
   end
   if request.kind == "list" then return get_list(ngx.req.get_uri_args(), shape) end
   if request.kind == "delete_all" then return delete_all() end
   return one(request, shape)
end

return api
