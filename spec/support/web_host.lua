-- A server with a plug-in of ours, for specs: it is started, asked for pages, and ended.
--
--   local host = web_host.start(folder, function(port) return "the command" end, "/a page")
--   local code, text = host:get "/other"
--   local connection = host:ask "/slow" … code, text = web_host.read(connection)
--   host:stop()
local socket = require "socket"

local web_host = {}
local Host = {}
Host.__index = Host

local function free_port()
   local listener = assert(socket.bind("127.0.0.1", 0))
   local _, port = listener:getsockname()
   listener:close()
   return tonumber(port)
end

--- Waits for the answer.
-- @return the code, and the text behind the headers
function web_host.read(connection)
   local text = assert(connection:receive "*a")
   connection:close()
   return tonumber(text:match "^HTTP/1%.%d (%d+)"), text:match "\r\n\r\n(.*)$"
end

--- The paths of modules, for a program that changes its folder.
function web_host.absolute(path)
   return (path:gsub("[^;]+", function(one) return one:find "^/" and one or os.getenv "PWD" .. "/" .. one end))
end

--- Starts it, and waits until it has the page.
-- @tparam string folder for its log
-- @tparam function command gives the command for a port
-- @tparam string page
function web_host.start(folder, command, page)
   local port = free_port()
   local pipe = io.popen(("%s >%s/log 2>&1 & echo $!"):format(command(port), folder))
   local host = setmetatable({ port = port, pid = pipe:read "n" }, Host)
   pipe:close()
   for _ = 1, 300 do
      if socket.connect("127.0.0.1", port) and host:get(page) then return host end
      socket.sleep(0.1)
   end
   host:stop()
   error(io.open(folder .. "/log"):read "a")
end

--- Asks for a page, and does not wait: returns the connection.
function Host:ask(path)
   local connection = assert(socket.connect("127.0.0.1", self.port))
   connection:settimeout(60)
   assert(connection:send(("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):format(path)))
   return connection
end

function Host:get(path) return web_host.read(self:ask(path)) end

function Host:stop() os.execute(("kill %d"):format(self.pid)) end

return web_host
