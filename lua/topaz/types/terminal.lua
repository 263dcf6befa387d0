---@meta topaz.terminal
-- The public interface of topaz.terminal; see types/topaz.lua.
-- luacheck: ignore 211 212 241

---Lines at the bottom of a terminal that are drawn over and over. `require "topaz.terminal"`.
---@class topaz.terminal
local terminal = {}

---Says whether a handle writes to a terminal that understands the usual sequences.
---```lua
---print(require("topaz.terminal").is_terminal(io.stderr))
---```
---@param handle file* io.stdout or io.stderr
---@return boolean is_terminal
function terminal.is_terminal(handle) end

---Says whether the environment asks for plain ASCII, by a locale that is not UTF-8.
---```lua
---print(require("topaz.terminal").is_ascii())
---```
---@return boolean is_ascii
function terminal.is_ascii() end

---Measures the terminal that this process belongs to.
---```lua
---local columns, rows = require("topaz.terminal").size()
---print(columns .. " × " .. rows)
---```
---@return integer columns 80 when unknown
---@return integer rows 24 when unknown
function terminal.size() end

---Opens lines at the bottom of the terminal.
---```lua
---local lines = require("topaz.terminal").open(io.stderr)
---if lines then
---   lines:draw(function(width) return { ("-"):rep(width) } end)
---   lines:close()
---end
---```
---@param handle? file* io.stdout or io.stderr (default io.stderr)
---@return topaz.Terminal|nil lines nil when the handle is not a terminal; closing it leaves the lines where they are
function terminal.open(handle) end

---Lines of a terminal.
---@class topaz.Terminal
---@field ascii boolean what `is_ascii` said
---@field INTERVAL number seconds between two drawings at least
local Terminal = {}

---Draws lines in place of those drawn before, unless that was less than a tenth of a second ago.
---```lua
---local lines <close> = require("topaz.terminal").open()
---if lines then lines:draw(function(width, rows) return { width .. " × " .. rows } end, true) end
---```
---@param render fun(width: integer, rows: integer): string[] gives the lines, of at most `width` cells
---@param at_once? boolean (default false): however long ago the last drawing was
---@return boolean drawn
function Terminal:draw(render, at_once) end

---Removes the lines, so that something else can be written; the next `draw` puts them below it.
---```lua
---local lines <close> = require("topaz.terminal").open()
---if lines then lines:clear() end
---```
function Terminal:clear() end

---Leaves the lines as they are, and the cursor visible, below them. May be called again.
---```lua
---local lines = require("topaz.terminal").open()
---if lines then lines:close() end
---```
function Terminal:close() end

return terminal
