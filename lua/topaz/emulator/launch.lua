--- Starts and stops an nginx: a private folder, free ports, the configuration from its template,
-- and the wait until it serves requests. Knows nothing of the API.

local cjson = require "cjson"
local socket = require "socket"
local process = require "topaz.emulator.process"

local launch = {}

-- The folder of this file and of those that belong to it: require passes its path.
launch.folder = select(2, ...):match "^(.*)launch%.lua$"
local START_LIMIT = 5 -- seconds; a start takes about 30 ms
local PORT_TRIES = 8

local shell, quote = process.shell, process.quote

local function write_file(path, text)
   local file = assert(io.open(path, "w"))
   assert(file:write(text))
   file:close()
end

local function read_file(path)
   local file = io.open(path)
   if not file then return "" end
   local text = file:read("a")
   file:close()
   return text
end

-- Returns the absolute folder that holds topaz/: nginx runs in another folder and needs the Lua
-- files.
local function project_root()
   local folder = launch.folder .. "../.."
   if folder:sub(1, 1) == "/" then return folder end
   return shell("pwd") .. "/" .. folder
end

-- Debian has the Lua module in a file of its own; OpenResty and others have it built in.
local function module_lines()
   for _, folder in ipairs { "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules" } do
      local file = io.open(folder .. "/ngx_http_lua_module.so")
      if file then
         file:close()
         return ("load_module %s/ndk_http_module.so;\nload_module %s/ngx_http_lua_module.so;"):format(folder, folder)
      end
   end
   return ""
end

-- Returns free ports. All are held open until all are known, so that they differ.
local function free_ports(count)
   local held, ports = {}, {}
   for i = 1, count do
      held[i] = assert(socket.bind("127.0.0.1", 0))
      ports[i] = math.tointeger(select(2, held[i]:getsockname()))
   end
   for i = 1, count do held[i]:close() end
   return ports
end

local function fill(template, values)
   return (template:gsub("@([A-Z_0-9]+)@", function(name)
      return assert(values[name], "nginx.conf.template names an unknown value: " .. name)
   end))
end

-- Returns the configuration of a start, from the options of init.lua.
local function configuration(options, dir, ports, root)
   local http, limit, tls = {}, "", ""
   if options.rate_limit then
      http[#http + 1] = "  limit_req_zone $http_x_api_key zone=api:1m rate=" .. options.rate_limit.rate .. ";"
      local burst = options.rate_limit.burst or 0 -- nginx refuses burst=0
      limit = ("      limit_req zone=api%s;\n      limit_req_status 429;\n      error_page 429 @limited;")
         :format(burst > 0 and (" burst=%d nodelay"):format(burst) or "")
   end
   if options.gzip then
      http[#http + 1] = "  gzip on;\n  gzip_types application/json;\n  gzip_min_length 100;\n  gzip_proxied any;"
   end
   if options.certificate then
      write_file(dir .. "/server.pem", options.certificate.server)
      write_file(dir .. "/server.key", options.certificate.key)
      write_file(dir .. "/ca.pem", options.certificate.ca)
      tls = ("    listen 127.0.0.1:%d ssl%s backlog=1024;\n    listen 127.0.0.1:%d ssl backlog=1024;\n"
         .. "    ssl_certificate %s/server.pem;\n    ssl_certificate_key %s/server.key;\n    ssl_protocols %s;"):format(
         ports[3], options.protocols:find("h2", 1, true) and " http2" or "", ports[4], dir, dir, options.tls_versions)
   end
   return fill(read_file(launch.folder .. "nginx.conf.template"), {
      MODULES = module_lines(), DIR = dir, ROOT = root, PORT = ports[1], CONTROL = ports[2],
      HTTP = table.concat(http, "\n"), LIMIT = limit, TLS = tls,
      -- nginx takes whole numbers; a time above 0 must not become 0, which closes at once
      KEEPALIVE_TIMEOUT = ("%dms"):format(math.ceil(options.keepalive_timeout * 1000)),
      KEEPALIVE_REQUESTS = ("%d"):format(options.keepalive_requests), STREAMS = ("%d"):format(options.streams),
   })
end

-- Removes the folder, also where an nginx that begins puts files into it meanwhile.
local function remove(dir)
   shell(("rm -rf -- %s 2>/dev/null || { sleep 0.2; rm -rf -- %s; }"):format(quote(dir), quote(dir)))
end

--- Ends the process and removes the folder, as far as they are there. The folder comes first:
-- without it the process ends by itself, should this one be killed in between. Raises nothing but
-- the error of a debug hook: it also runs in finalizers.
function launch.stop(server)
   local dir = server.dir
   if dir then remove(dir) end
   process.stop(server)
   if dir and os.rename(dir, dir) then remove(dir) end -- it is still there
end

-- Makes a private folder. Its name is known before it exists, so that launch.stop() finds it
-- wherever Ctrl-C comes; no other table of any process has the same name.
local function make_folder(server)
   local owner = process.self()
   local parent = os.getenv "TMPDIR" or ""
   local dir = ("%s/topaz-emulator-%d-%s-%p"):format(parent ~= "" and parent or "/tmp", owner,
      process.stamp(owner), server)
   server.dir = dir
   local why = shell(("mkdir -m 700 -- %s 2>&1"):format(quote(dir)))
   if why == "" and dir:sub(1, 1) == "/" then return dir end
   server.dir = nil
   error("emulator: cannot create a temporary folder: " .. why, 4)
end

-- Tries to start on the given ports. Returns true when it answers; or nil, the text of its error
-- log, and whether a port was in use.
local function try(server, options, ports, root, answers)
   local dir = server.dir
   write_file(dir .. "/nginx.conf", configuration(options, dir, ports, root))
   options.settings.dir = dir
   write_file(dir .. "/settings.json", cjson.encode(options.settings))
   os.remove(dir .. "/error.log")
   local program = process.start(("%s -p %s -c %s/nginx.conf -e %s/error.log"):format(
      options.nginx, quote(dir), quote(dir), quote(dir)), "/", dir .. "/stderr")
   server.pid, server.stamp, server.ports = program.pid, program.stamp, ports
   local deadline = socket.gettime() + START_LIMIT
   repeat
      if answers(server) then return true end
      local log = read_file(dir .. "/error.log")
      local taken = log:find("Address already in use", 1, true) ~= nil
      if taken or not process.alive(server.pid, server.stamp) or socket.gettime() > deadline then
         process.stop(server, "KILL")
         return nil, log .. read_file(dir .. "/stderr"), taken
      end
      socket.sleep(0.002)
   until false
end

--- Starts nginx and waits until `answers(server)` is true. Raises with the text of nginx's error
-- log if that fails.
-- @tparam table server empty; gets dir, pid, stamp and ports as they come to be. launch.stop() may
-- be called with it at any time, and has to be after an error.
function launch.start(server, options, answers)
   local root = project_root()
   make_folder(server)
   local why, taken
   for _ = 1, PORT_TRIES do
      local ports = free_ports(4)
      if options.port then ports[options.tls and 3 or 1] = options.port end
      local started
      started, why, taken = try(server, options, ports, root, answers)
      if started then return end
      if not taken or options.port then break end
   end
   error("emulator: nginx did not start: " .. (why ~= "" and why or "nothing in its error log; is it installed?"), 3)
end

return launch
