std = "lua54"
max_line_length = 120
max_comment_line_length = 100
color = false
codes = true

-- An annotation of LuaCATS is one line.
files["lua/topaz/types"] = { max_comment_line_length = false }
files["spec"] = {
   std = "lua54+busted",
   ignore = { "512" }, -- a loop that ends in its first round: cursors are left by break on purpose
}
files["spec/run.lua"] = { globals = { "arg" } }
-- These run inside nginx, on LuaJIT.
files["lua/topaz/emulator/server"] = { std = "ngx_lua" }
-- What the C programs give to the scripts that they run.
files["spec/fuzz"] = { globals = { "play" }, read_globals = { "core", "log" } }
files["rockspec"] = { std = "rockspec" }
files[".luacheckrc"] = { std = "luacheckrc" }
