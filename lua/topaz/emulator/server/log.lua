--- The request log: an entry for each request, made when it arrives and completed when it ends; and
-- counts, which continue when the log is full. (LuaJIT, inside nginx.)

local clock = require "topaz.emulator.server.clock"

local log = {}

local entries, counts, connections, limit, number = {}, {}, {}, 0, 0
local NAMES = {
   list = "GET /status", one = "GET /status/{process_id}", delete_all = "DELETE /status",
   delete_one = "DELETE /status/{process_id}",
}

function log.init(settings)
   limit = settings.log_limit
   log.clear()
end

--- Empties log and counts. A request that still runs keeps its entry, which the log then lacks.
function log.clear()
   entries, connections = {}, {}
   counts = { total = 0, finished = 0, connections = 0, not_logged = 0, by = {}, kinds = {}, statuses = {} }
end

local open = {}

--- Records that a request has arrived. Returns an id, which leave() needs.
function log.arrive(method, path, kind)
   number = number + 1
   local connection = tonumber(ngx.var.connection)
   counts.total = counts.total + 1
   local name = NAMES[kind] or (method .. " " .. path)
   counts.by[name] = (counts.by[name] or 0) + 1
   counts.kinds[kind] = (counts.kinds[kind] or 0) + 1
   if not connections[connection] then
      connections[connection] = true
      counts.connections = counts.connections + 1
   end
   local entry = { kind = kind, counts = counts }
   open[number] = entry
   if #entries >= limit then
      counts.not_logged = counts.not_logged + 1
      return number
   end
   entries[#entries + 1] = entry
   ngx.update_time()
   entry.count, entry.method, entry.path = #entries, method, path
   entry.query, entry.args, entry.headers = ngx.var.args, ngx.req.get_uri_args(), ngx.req.get_headers(0)
   entry.connection, entry.connection_requests = connection, tonumber(ngx.var.connection_requests)
   entry.http_version, entry.scheme = ngx.req.http_version(), ngx.var.scheme
   entry.time, entry.clock = ngx.now(), clock.now()
   return number
end

--- Returns the entry of a request that still runs.
function log.entry(id)
   return open[id]
end

--- Records that a request has ended. `status` is the one sent to the client; 0: nothing was sent.
function log.leave(id, status)
   local entry = open[id]
   open[id] = nil
   if not entry then return end
   entry.status = entry.sent or status
   ngx.update_time()
   entry.finished = ngx.now()
   local own = entry.counts
   entry.counts = nil
   own.finished = own.finished + 1
   local key = tostring(entry.status)
   own.statuses[key] = (own.statuses[key] or 0) + 1
end

function log.entries()
   local out = {}
   for i, entry in ipairs(entries) do
      local copy = {}
      for name, value in pairs(entry) do
         if name ~= "counts" then copy[name] = value end
      end
      out[i] = copy
   end
   return out
end

function log.counts()
   return counts
end

return log
