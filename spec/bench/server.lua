-- The one server that all read from: a plain nginx on a free loopback port, with static files in a folder of its own.
--
--   /SET/image/v1/status           the pages of data set SET by ?paginated=true&cursor=pN, else its plain array
--   /latency/SET/image/v1/status   the same, each answer 50 ms late (needs nginx's Lua module)
--   /slow/SET/image/v1/status      the same, but after the first 64 kB a trickle
local socket = require "socket"
local launch = require "spec.emulator.launch"
local process = require "spec.emulator.process"

local server = {}

local CONFIGURATION = [[
@MODULES@
daemon off;
master_process off;
worker_processes 1;
pid "@DIR@/nginx.pid";
error_log "@DIR@/error.log" error;
events { worker_connections 256; }
http {
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  types { application/json json; }
  client_body_temp_path "@DIR@/body";
  proxy_temp_path "@DIR@/proxy";
  fastcgi_temp_path "@DIR@/fastcgi";
  uwsgi_temp_path "@DIR@/uwsgi";
  scgi_temp_path "@DIR@/scgi";
  map "$arg_paginated:$arg_cursor" $list {
    "true:" p1.json;
    "~^true:(?<page>p[0-9]+)$" $page.json;
    default all.json;
  }
  server {
    listen 127.0.0.1:@PORT@;
    if ($http_x_api_key = "") { return 401; }
    location ~ ^/(?<set>[a-z0-9_]+)/image/v1/status$ {
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
    location ~ ^/slow/(?<set>[a-z0-9_]+)/image/v1/status$ {
      limit_rate_after 64k;
      limit_rate 1k;
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
@LATENCY@
  }
}
]]

local LATENCY = [[
    location ~ ^/latency/(?<set>[a-z0-9_]+)/image/v1/status$ {
      access_by_lua_block { ngx.sleep(0.05) }
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
]]

local START_LIMIT = 5 -- seconds

local function read(path)
   local file = io.open(path)
   if not file then return "" end
   local text = file:read "a"
   file:close()
   return text
end

local function free_port()
   local listener = assert(socket.bind("127.0.0.1", 0))
   local port = select(2, listener:getsockname())
   listener:close()
   return math.tointeger(port)
end

-- The lines that load nginx's Lua module, as Debian ships it; nil where there is none.
local function lua_module()
   local folder = "/usr/lib/nginx/modules"
   local file = io.open(folder .. "/ngx_http_lua_module.so")
   if not file then return nil end
   file:close()
   return ("load_module %s/ndk_http_module.so;\nload_module %s/ngx_http_lua_module.so;"):format(folder, folder)
end

local methods = {}
local Server = { __index = methods, __name = "bench server" }

--- The folder of a data set, made when it is not there.
function methods:folder(set)
   local folder = self.dir .. "/sets/" .. set
   launch.shell("mkdir -p " .. launch.quote(folder))
   return folder
end

--- The base URL of a data set; `prefix` is "latency" or "slow", or nothing.
function methods:url(set, prefix)
   return ("http://127.0.0.1:%d/%s%s/image/v1"):format(self.port, prefix and prefix .. "/" or "", set)
end

function methods:stop() launch.stop(self) end
Server.__close = methods.stop
Server.__gc = methods.stop

-- Should the benchmark be killed, so that it stops nothing: ends nginx and removes the folder soon afterwards.
local function watch(self)
   launch.shell(("setsid sh -c 'while kill -0 %d; do sleep 1; done; [ -d %s ] && kill %d; rm -rf %s' "
      .. "</dev/null >/dev/null 2>&1 &"):format(process.self(), self.dir, self.pid, self.dir))
end

local function answers(port)
   local connection = socket.connect("127.0.0.1", port)
   if not connection then return false end
   connection:close()
   return true
end

--- Starts nginx. Raises with nginx's own words when it cannot.
function server.start()
   local dir = launch.shell "mktemp -d -t topaz-bench-XXXXXX"
   assert(dir ~= "", "mktemp made no folder")
   local modules, port = lua_module(), free_port()
   local values = { DIR = dir, PORT = tostring(port), MODULES = modules or "" }
   local text = CONFIGURATION:gsub("@LATENCY@", modules and LATENCY or ""):gsub("@(%u+)@", values)
   local file = assert(io.open(dir .. "/nginx.conf", "w"))
   assert(file:write(text))
   assert(file:close())

   local quoted = launch.quote(dir)
   local pid = math.tointeger(tonumber(launch.shell(("cd / && setsid nginx -p %s -c %s/nginx.conf -e %s/error.log "
      .. "</dev/null >/dev/null 2>%s/stderr & echo $!"):format(quoted, quoted, quoted, quoted))))
   local self = setmetatable({
      dir = dir, port = port, pid = pid, stamp = process.stamp(pid), has_latency = modules ~= nil,
   }, Server)
   watch(self)
   local deadline = socket.gettime() + START_LIMIT
   while not answers(port) do
      if not process.alive(pid, self.stamp) or socket.gettime() > deadline then
         local why = read(dir .. "/error.log") .. read(dir .. "/stderr")
         self:stop()
         error("nginx did not start: " .. (why ~= "" and why or "nothing in its error log; is it installed?"))
      end
      socket.sleep(0.005)
   end
   return self
end

return server
