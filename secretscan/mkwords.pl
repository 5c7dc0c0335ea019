#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Count which letter follows which two in words and names, and write the table of words.c: words-table.inc.
#
#	mkwords.pl FILE.. >words-table.inc
#
# The table in the tree was counted on Debian's /usr/share/dict/words and on the names in /usr/include/*.h and
# /usr/lib/python3. A word counts once, whatever its frequency, and only if it stands at two places or more: what stands
# once is often not a word.
use strict;
use warnings;

my (%seen, %count, %total);

sub symbol {
	my ($c) = @_;

	return $c =~ /[a-z]/ ? ord($c) - ord('a') : $c =~ /[0-9]/ ? 26 : 27;
}

while (<>) {
	my $list = $ARGV =~ m{/dict/};

	while (/([A-Za-z0-9_-]{3,40})/g) {
		my $word = $1;

		next if $word =~ /[0-9]{4}/;
		$word =~ s/([a-z0-9])([A-Z])/$1.$2/g;
		$word = lc($word);
		for my $part (split(/[-_]/, $word)) {
			$seen{$part} += $list ? 2 : 1 if length($part) > 1;
		}
	}
}
for my $word (keys %seen) {
	next if $seen{$word} < 2;
	my ($a, $b) = (27, 27);

	for my $c (split(//, $word . '.')) {
		my $s = symbol($c);

		$count{$a}{$b}{$s}++;
		$total{$a}{$b}++;
		($a, $b) = ($b, $s);
	}
}
print "/* SPDX-License-Identifier: Apache-2.0 */\n";
print "/* Made by mkwords.pl: see there. A row for every two symbols, a letter for every next one: bits * 2 + 'A'. */\n";
for my $a (0 .. 27) {
	for my $b (0 .. 27) {
		my $row = '';

		for my $c (0 .. 27) {
			my $share = (($count{$a}{$b}{$c} // 0) + 0.02) / (($total{$a}{$b} // 0) + 0.56);
			my $bits = -log($share) / log(2);

			$bits = 12 if $bits > 12;
			$row .= chr(ord('A') + int($bits * 2 + 0.5));
		}
		print "\"$row\"\n";
	}
}
