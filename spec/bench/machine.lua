-- What a result was measured on, as lines of text.
local process = require "topaz.emulator.process"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local machine = {}

local function shell(command) return harness.ask { "sh", "-c", command } or "unknown" end

--- A list of { name, text }, without the other clients.
function machine.host(command)
   return {
      { "Date", os.date "!%Y-%m-%d" },
      { "Command", command },
      { "Processor", shell [[sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1]] .. ", "
         .. shell "nproc" .. " cores" },
      { "Memory", shell [[awk '/^MemTotal/ { printf "%.0f GiB\n", $2 / 1048576 }' /proc/meminfo]] },
      { "System", shell [[. /etc/os-release && echo "$PRETTY_NAME"]] .. ", " .. shell "uname -sr" },
      { "Lua", shell(harness.lua .. " -v | cut -d' ' -f1,2") },
      { "libcurl", shell "pkg-config --modversion libcurl" },
      { "nginx", process.shell "nginx -v 2>&1 | sed 's/.*nginx.//'" },
      { "Compiler", shell "${CC:-cc} --version | head -n 1" },
      { "topaz", peers.topaz() or "not built" },
   }
end

--- The same, with the other clients.
function machine.describe(command)
   local lines = machine.host(command)
   for _, peer in ipairs((peers.installed())) do lines[#lines + 1] = { peer.name, peer.version } end
   return lines
end

return machine
