var conn = new jsforce.Connection({ loginUrl: 'https://@host@' });
conn.login('@user@@@host@', '@random@', function (err, res) {
  if (err) { return console.error(err); }
});
