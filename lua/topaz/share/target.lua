--- Where Redis is: reads redis:// and rediss:// URLs.
local core = require "topaz.core"
local misuse = require "topaz.misuse"

local PORT = 6379
local TLS_OF = { redis = false, rediss = true }
local FORM = "redis://[user:password@]host[:port][/database], or rediss:// for TLS"

-- Without the password.
local Target = { __name = "topaz.share.target" }

function Target:__tostring()
   local host = self.host:find(":", 1, true) and "[" .. self.host .. "]" or self.host
   return ("%s://%s:%d/%d"):format(self.tls and "rediss" or "redis", host, self.port, self.db)
end

-- Decodes %XX. nil: it is not valid.
local function decoded(text)
   if text:gsub("%%%x%x", ""):find("%", 1, true) then return nil end
   return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- No message shows a part of the URL that may hold the password.
local function check_text(url, argument)
   if type(url) ~= "string" then misuse.argument(argument, "expected a URL, %s, got a %s", FORM, type(url)) end
   local at = url:find "[^\33-\126]"
   if not at then return end
   local text = url:find("^[\r\n]", at) and "byte %d is a line break"
      or "byte %d is a space or not printable ASCII: percent-encode it"
   misuse.argument(argument, text, at)
end

local function read_credentials(text, argument)
   local user, password = text:match "^([^:]*):(.*)$"
   if not user then
      misuse.argument(argument, "has a user name without a password: expected user:password@, or :password@")
   end
   user, password = decoded(user), decoded(password)
   if not user or not password then
      misuse.argument(argument, "user name or password has a '%%' without two hexadecimal digits: write %%25 for it")
   end
   if password == "" then misuse.argument(argument, "the password is empty: remove the ':' and the '@', or set it") end
   return user ~= "" and user or nil, password
end

local function read_port(digits, argument)
   if digits == "" then return PORT end
   local port = digits:find "^%d+$" and #digits <= 5 and math.tointeger(tonumber(digits))
   if not port or port < 1 or port > 65535 then misuse.argument(argument, "expected a port from 1 to 65535") end
   return port
end

local function read_host(text, argument)
   local host, port = text:match "^%[([^%]]*)%]:?(%d*)$"
   local in_brackets = host ~= nil
   if not host then host, port = text:match "^([^:]*):?(.*)$" end
   if host == "" then misuse.argument(argument, "the host is empty: expected %s", FORM) end
   if not core.is_host(host) or in_brackets ~= (host:find(":", 1, true) ~= nil) then
      misuse.argument(argument, "the host is not a name, an IPv4 address or an IPv6 address in brackets"
         .. " (percent-encode '/', '@' and '?' in a password)")
   end
   return host, read_port(port, argument)
end

local function read_database(path, argument)
   if path == "" or path == "/" then return 0 end
   local digits = path:match "^/(%d+)$"
   if not digits or #digits > 9 then
      misuse.argument(argument, "expected the number of a database behind the host, such as /0")
   end
   return math.tointeger(tonumber(digits))
end

--- Reads a URL. Misuse raises and names the argument, but never shows the password.
-- @tparam string url
-- @tparam[opt] string argument what the URL was given as; "share" by default
-- @treturn table host (an IPv6 address without brackets), port, tls, user, password, db
return function(url, argument)
   argument = argument or "share"
   check_text(url, argument)
   local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
   if not scheme then misuse.argument(argument, "expected a URL, %s", FORM) end
   local tls = TLS_OF[scheme:lower()]
   if tls == nil then misuse.argument(argument, "expected %s, got %s://", FORM, scheme:sub(1, 20)) end
   local authority, path = rest:match "^([^/?#]*)(.*)$"
   local mark = path:match "[?#]"
   if mark then misuse.argument(argument, "has a '%s', which means nothing here: remove it", mark) end
   local credentials, place = authority:match "^(.*)@([^@]*)$"
   local user, password
   if credentials then user, password = read_credentials(credentials, argument) end
   local host, port = read_host(place or authority, argument)
   return setmetatable({
      host = host, port = port, tls = tls, user = user, password = password, db = read_database(path, argument),
   }, Target)
end
