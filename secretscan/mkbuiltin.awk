# SPDX-License-Identifier: Apache-2.0
# Write the rule files named on the command line as one C file, each a string.
function base(path)
{
	sub(/.*\//, "", path)
	return path
}
# What gsub makes of backslashes differs between awks.
function quote(text,	i, c, out)
{
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		out = out ((c == "\\" || c == "\"" || c == "?") ? "\\" c : c)
	}
	return out
}
BEGIN {
	n = 0
	print "/* Made by mkbuiltin.awk from rules/. */"
	print "#include \"secretscan/builtin.h\"\n"
}
FNR == 1 {
	if (n > 0)
		print "\t\"\";"
	print "static const char text_" n "[] ="
	name[n++] = base(FILENAME)
}
{
	print "\t\"" quote($0) "\\n\""
}
END {
	print "\t\"\";\n\nstatic const struct builtin files[] = {"
	for (i = 0; i < n; i++)
		print "\t{ \"" name[i] "\", text_" i ", sizeof(text_" i ") - 1 },"
	print "};\n\nconst struct builtin *\nbuiltin_get(size_t i)\n{"
	print "\treturn i < sizeof(files) / sizeof(files[0]) ? &files[i] : NULL;\n}"
}
